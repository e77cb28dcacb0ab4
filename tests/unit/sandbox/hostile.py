"""What a model that runs code as it is opened would try, as tasks of the sandbox."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any


def run(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Answers what the named attempt reached: "denied ERRNO" where the kernel forbade it."""
    try:
        result = _ATTEMPTS[request["attempt"]](request)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise
        result = f"denied {errno.errorcode.get(error.errno or 0, error.errno)}"
    yield {"result": result}


def _syscalls(request: dict[str, Any]) -> dict[str, str]:
    """What the kernel answers to calls by number; every one would do something or fail with another error."""
    return {name: _syscall(*call) for name, call in request["calls"].items()}


def _syscall(*call: int) -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(*map(ctypes.c_long, call)) == -1:
        return errno.errorcode[ctypes.get_errno()]
    return "done"


def _sockets(request: dict[str, Any]) -> dict[str, str]:
    """What asking for a socket gives, by family and type."""
    kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW)
    families = [family for family in socket.AddressFamily if family != socket.AF_UNSPEC]
    return {f"{family.name} {kind.name}": _opened(family, kind) for family in families for kind in kinds}


def _opened(family: int, kind: int) -> str:
    try:
        socket.socket(family, kind).close()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "opened"


def _fork_twice(request: dict[str, Any]) -> str:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(60)
        os._exit(0)
    return "forked"


def _exec(request: dict[str, Any]) -> str:
    os.execv("/usr/bin/env", ["env"])


def _spawn(request: dict[str, Any]) -> str:
    return subprocess.run(["/usr/bin/env"], capture_output=True, text=True).stdout


def _shell(request: dict[str, Any]) -> int:
    return os.system("touch made")


def _write(request: dict[str, Any]) -> str:
    Path(request["path"]).write_text("made")
    return "written"


def _cut(request: dict[str, Any]) -> str:
    os.truncate(request["path"], 0)
    return "cut"


def _read(request: dict[str, Any]) -> str:
    return Path(request["path"]).read_bytes().decode(errors="replace")


def _look(request: dict[str, Any]) -> list[str]:
    return os.listdir(request["path"])


def _close(request: dict[str, Any]) -> str:
    os.chmod(request["path"], 0)
    with suppress(PermissionError):
        os.utime(request["path"], (0, 0))
    return "said to be done"


def _deep(request: dict[str, Any]) -> None:
    for _ in range(3000):
        os.mkdir("d")
        os.chdir("d")
    time.sleep(600)


def _unlistable(request: dict[str, Any]) -> None:
    os.mkdir("d", 0)
    time.sleep(600)


def _many_empty_files(request: dict[str, Any]) -> None:
    for number in range(request["count"]):
        Path(f"f{number}").touch()


def _exit(request: dict[str, Any]) -> None:
    os._exit(request["status"])


def _forge(request: dict[str, Any]) -> None:
    for descriptor in range(3, 64):
        with suppress(OSError):
            os.write(descriptor, request["reply"].encode() + b"\n")
    os._exit(0)


def _link(request: dict[str, Any]) -> str:
    os.link(request["path"], "linked")
    return "linked"


def _environment(request: dict[str, Any]) -> dict[str, str]:
    return dict(os.environ)


def _identity(request: dict[str, Any]) -> dict[str, Any]:
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    return {"uid": os.getuid(), "groups": os.getgroups(), "capabilities": status["CapEff"]}


def _kill(request: dict[str, Any]) -> str:
    os.kill(request["process"], signal.SIGKILL)
    return "killed"


def _signal_by_pipe(request: dict[str, Any]) -> str:
    """A pipe whose news become any signal to any process."""
    f_setsig = 10
    read, _ = os.pipe()
    fcntl.fcntl(read, f_setsig, signal.SIGKILL)
    fcntl.fcntl(read, fcntl.F_SETOWN, request["process"])
    return "sent"


def _shared_memory(request: dict[str, Any]) -> str:
    with mmap.mmap(-1, 1 << 20):
        return "mapped"


def _zeros(request: dict[str, Any]) -> str:
    with open("/dev/zero", "rb") as zero, mmap.mmap(zero.fileno(), 1 << 20, prot=mmap.PROT_READ):
        return "mapped"


def _growing(request: dict[str, Any]) -> str:
    grows_down = 0x100
    with mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | grows_down):
        return "mapped"


def _made_constant(request: dict[str, Any]) -> None:
    """Memory that is written and then made read-only, which RLIMIT_DATA forgets."""
    libc, kept, size = ctypes.CDLL(None, use_errno=True), [], 64 << 20
    for _ in range(request["bytes"] // size):
        kept.append(block := mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        for start in range(0, size, mmap.PAGESIZE):
            block[start] = 1
        address = ctypes.addressof(ctypes.c_char.from_buffer(block))
        libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(size), 1)
    time.sleep(600)


def _fail(request: dict[str, Any]) -> None:
    raise KeyError("in the model's own code")


def _allocate(request: dict[str, Any]) -> int:
    return len(bytearray(request["bytes"]))


def _spin(request: dict[str, Any]) -> None:
    while True:
        pass


def _sleep(request: dict[str, Any]) -> None:
    time.sleep(600)


def _large_file(request: dict[str, Any]) -> str:
    Path("large").write_bytes(bytes(request["bytes"]))
    return "written"


def _many_files(request: dict[str, Any]) -> None:
    block = os.urandom(1 << 18)
    for number in range(10_000):
        Path(f"f{number}").write_bytes(block)
        time.sleep(0.005)


def _threads(request: dict[str, Any]) -> int:
    """How many threads could be started at once."""
    done, started = threading.Event(), []
    threading.stack_size(1 << 16)
    try:
        for _ in range(request["count"]):
            thread = threading.Thread(target=done.wait)
            thread.start()
            started.append(thread)
    except RuntimeError:
        return len(started)
    finally:
        done.set()
    return len(started)


def _at_work(request: dict[str, Any]) -> str:
    """What a conversion does: files and folders of its own, threads, memory, its own clock."""
    Path("out/deep").mkdir(parents=True)
    Path("out/deep/model.onnx").write_bytes(b"graph")
    Path("out/deep/model.onnx").rename("out/model.onnx")
    thread = threading.Thread(target=time.sleep, args=(0.001,))
    thread.start()
    thread.join()
    import numpy

    product = numpy.ones((200, 200)) @ numpy.ones((200, 200))
    return f"{Path('out/model.onnx').read_text()} {product[0, 0]:g}"


_ATTEMPTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "allocate": _allocate,
    "at work": _at_work,
    "close": _close,
    "cut": _cut,
    "deep": _deep,
    "environment": _environment,
    "exec": _exec,
    "exit": _exit,
    "forge": _forge,
    "fail": _fail,
    "fork twice": _fork_twice,
    "growing memory": _growing,
    "identity": _identity,
    "kill": _kill,
    "large file": _large_file,
    "link": _link,
    "look": _look,
    "made constant": _made_constant,
    "many empty files": _many_empty_files,
    "many files": _many_files,
    "read": _read,
    "shared memory": _shared_memory,
    "shell": _shell,
    "signal by pipe": _signal_by_pipe,
    "sleep": _sleep,
    "sockets": _sockets,
    "spawn": _spawn,
    "spin": _spin,
    "syscalls": _syscalls,
    "threads": _threads,
    "unlistable": _unlistable,
    "write": _write,
    "zeros": _zeros,
}

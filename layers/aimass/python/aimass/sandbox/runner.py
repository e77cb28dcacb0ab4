"""Starts a task in a fresh, confined process and brings back its answer or the reason of its end."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimass.domain.errors import AimassError, InternalError, ModelCrashed
from aimass.sandbox.confine import hide
from aimass.sandbox.folder import Folder
from aimass.sandbox.isolation import CONFINED, Isolation
from aimass.sandbox.limits import Limits
from aimass.sandbox.memory import Memory
from aimass.sandbox.outcome import death, ended_itself, error_of, out_of_memory, told, wrote_too_much
from aimass.sandbox.phase import Phases

_ANSWER_BYTES = 16 << 20
_STDERR_BYTES = 8 << 10
_CHUNK = 1 << 16
_EXIT_SECONDS = 10
_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class _Ended:
    returncode: int
    reply: bytes
    stderr: str
    late: bool
    overfull: bool
    grown: bool


def run(
    task: str,
    request: dict[str, Any],
    *,
    folder: Path,
    limits: Limits,
    isolation: Isolation = CONFINED,
    heard: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Runs the module `task`, its `run(request)`, in a child whose working folder is `folder`.

    `heard` is told of the phases that the child tells of, meanwhile and in another thread.

    With the layer `user` the folder belongs to the child from then on.

    Returns the task's last answer. A child that dies after an answer has answered: the reason of its death is then
    under `interrupted`. Otherwise raises the ImportRefused subclass that says why, no longer than is read and without
    the folder's path, or InternalError for a fault of the task itself; of an isolated one it is the model's crash.
    """
    folder = folder.resolve()
    with closing(Phases(heard)) as phases, _start(task, request, folder, limits, isolation) as (process, reply):
        memory = Memory(process.pid, limits.memory_bytes if isolation.layers else None)
        until = time.monotonic() + limits.seconds
        ended = _wait(process, reply, until, Folder(folder, limits.folder_bytes), memory, phases)
    answer, error = _outcome(ended, limits)
    # A converter's fault can't be told from the model's: both ran there. Before the first line there was neither.
    if isolation.layers and ended.reply and (ended.returncode > 0 or (answer is None and error is None)):
        error = ended_itself(ended.returncode, ended.stderr)
    if error is not None and (answer is None or isinstance(error, InternalError)):
        raise told(error, folder)
    if answer is None:
        raise _fault(task, ended)
    return answer if error is None else {**answer, "interrupted": told(error, folder).message}


@contextmanager
def _start(
    task: str, request: dict[str, Any], folder: Path, limits: Limits, isolation: Isolation
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    # The child is of the same user: /proc would show it our credentials.
    hide()
    read_end, write_end = os.pipe()
    try:
        with tempfile.TemporaryFile(dir=folder) as stdin:
            stdin.write(json.dumps({"request": request, "limits": limits.document(), **isolation.document()}).encode())
            stdin.seek(0)
            process = subprocess.Popen(
                [sys.executable, *_FLAGS, "aimass.sandbox.child", task, str(write_end), str(os.getpid())],
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=folder,
                env=child_environment(folder, isolation),
                pass_fds=(write_end,),
                start_new_session=True,
            )
        os.close(write_end)
        write_end = -1
        with process:
            try:
                yield process, read_end
            finally:
                _kill_group(process)
    finally:
        os.close(read_end)
        if write_end >= 0:
            os.close(write_end)


# No user site, no bytecode, and never the working folder on sys.path: an uploaded numpy.py must not be imported.
_FLAGS = ("-s", "-P", "-B", "-m")
# What converts is told to unpickle weights alone, to ask no hub and to look for no GPU.
_CONVERTING = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "HF_HUB_OFFLINE": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1",
}


def child_environment(folder: Path, isolation: Isolation = CONFINED) -> dict[str, str]:
    """All the environment that a child gets: nothing of the caller's but where Python and its libraries lie.

    An isolated child finds them where it may read: in Python's own folders, the package's, and `isolation.readable`.
    """
    path = sys.path
    if isolation.layers:
        path = [str(Path(__file__).parents[2]), *isolation.readable]
    variables = {
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        # Since 1.29 onnxruntime sends model names and hashes to its maker unless told not to.
        "ORT_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": _absolute(os.pathsep.join(path)),
        "TMPDIR": str(folder),
    }
    if isolation.layers:
        variables |= _CONVERTING
    # Lambda's Python finds its own shared library only with this.
    libraries = _absolute(os.environ.get("LD_LIBRARY_PATH", ""))
    return variables | ({"LD_LIBRARY_PATH": libraries} if libraries else {})


def _absolute(paths: str) -> str:
    """Without empty and relative entries, which would mean the child's working folder."""
    return os.pathsep.join(path for path in paths.split(os.pathsep) if os.path.isabs(path))


def _wait(
    process: subprocess.Popen[bytes], reply: int, deadline: float, folder: Folder, memory: Memory, phases: Phases
) -> _Ended:
    assert process.stderr is not None
    grown, watched = False, folder.most is not None or memory.most is not None
    received = {"reply": b"", "stderr": b""}
    with selectors.DefaultSelector() as selector:
        selector.register(reply, selectors.EVENT_READ, "reply")
        selector.register(process.stderr, selectors.EVENT_READ, "stderr")
        while selector.get_map() and (left := deadline - time.monotonic()) > 0:
            if folder.overfull() or (grown := memory.overfull()):
                break
            for key, _ in selector.select(min(left, _LOOK_SECONDS) if watched else left):
                if not (chunk := os.read(key.fd, _CHUNK)):
                    selector.unregister(key.fileobj)
                received[key.data] += chunk
                if key.data == "reply":
                    phases.feed(chunk)
            received["stderr"] = received["stderr"][-_STDERR_BYTES:]
            if len(received["reply"]) > _ANSWER_BYTES:
                break
        late = bool(selector.get_map())
    if late:
        _kill_group(process)
    status, stderr = _waited(process), received["stderr"].decode(errors="replace")
    return _Ended(status, received["reply"], stderr, late, folder.overfull(), grown)


def _waited(process: subprocess.Popen[bytes]) -> int:
    """The exit status; a child that closed its pipes and lives on is killed."""
    try:
        return process.wait(_EXIT_SECONDS)
    except subprocess.TimeoutExpired:
        _kill_group(process)
        return process.wait()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _outcome(ended: _Ended, limits: Limits) -> tuple[dict[str, Any] | None, AimassError | None]:
    """The last answer, and the error that ended the child, whose code may have written the reply itself."""
    if ended.overfull:
        return None, wrote_too_much(limits)
    if ended.grown:
        return None, out_of_memory(limits)
    try:
        return _read(ended, limits)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return None, ModelCrashed("the model garbled the answer of the process that held it")


def _read(ended: _Ended, limits: Limits) -> tuple[dict[str, Any] | None, AimassError | None]:
    answer: dict[str, Any] | None = None
    for line in filter(None, ended.reply.split(b"\n")[:-1]):
        document = json.loads(line)
        if "phase" in document:
            continue
        if "error" in document:
            return answer, error_of(document["error"], limits)
        answer = {**document["answer"]}
    if ended.returncode < 0:
        return answer, death(-ended.returncode, ended.stderr, limits, late=ended.late)
    return answer, death(0, ended.stderr, limits) if ended.returncode else None


def _fault(task: str, ended: _Ended) -> InternalError:
    error = InternalError(f"the sandbox's {task} ended without an answer")
    error.add_note(ended.stderr)
    return error

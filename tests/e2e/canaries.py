"""What a hostile file would touch if it could, and the program that tries: each touch is seen from outside."""

from __future__ import annotations

import os
import queue
import secrets
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

#: In this process's environment, for as long as canaries are watched.
VARIABLE = "AIMASS_CANARY"
_OURS = b"nothing"

_PROGRAM = """
import os, socket, subprocess, sys
found = []
def tried(do, *given):
    try:
        return do(*given)
    except BaseException:
        return None
def make(place):
    open(os.path.join(place, name), "w").close()
def read(path):
    with open(path, "rb") as file:
        text = file.read(65536)
    if b"canary-text-" in text:  # and nothing else of this machine
        found.append(text[text.index(b"canary-text-"):][:44])
def stay():
    return [sys.executable, "-S", "-c", "import time; time.sleep(600)", marker]
def fork():
    started, starting = os.pipe()
    if os.fork() == 0:
        os.setsid()
        os.closerange(0, starting)
        os.closerange(starting + 1, 256)
        os.execv(sys.executable, stay())
    os.close(starting)
    os.read(started, 1)
def start():
    subprocess.Popen(stay(), stdin=-3, stdout=-3, stderr=-3, start_new_session=True)
def knock(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.settimeout(5)
        one.connect(address)
        one.sendall(name.encode() + b" " + b" ".join(found))
for place in places + [os.path.expanduser("~/..")]:
    tried(make, place)
processes = [one for one in tried(os.listdir, "/proc") or [] if one.isdigit()]
for path in [secret] + ["/proc/%s/environ" % one for one in processes + [os.getppid()]]:
    tried(read, path)
for do in (fork, start):
    tried(do)
tried(knock, socket.AF_INET, ("127.0.0.1", port))
tried(knock, socket.AF_UNIX, chr(0) + marker)
raise RuntimeError("it ran and found " + repr(b" ".join(found)))
"""


class Listener:
    """Notes what each caller says."""

    def __init__(self, family: int, address: object) -> None:
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.bind(address)  # type: ignore[arg-type]
        self._socket.listen()
        self._said: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._heard: list[bytes] = []
        threading.Thread(target=self._note, daemon=True).start()

    @property
    def address(self) -> object:
        return self._socket.getsockname()

    def heard(self) -> list[bytes]:
        """What was said so far, one entry a call: ours comes last, and is none."""
        with socket.socket(self._socket.family, socket.SOCK_STREAM) as own:
            own.connect(self.address)  # type: ignore[arg-type]
            own.sendall(_OURS)
        while (said := self._said.get(timeout=60)) != _OURS:
            self._heard.append(said)
        return self._heard

    def close(self) -> None:
        self._socket.close()

    def _note(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                caller, _ = self._socket.accept()
                with caller:
                    caller.settimeout(10)
                    said = b""
                    with suppress(OSError):
                        while chunk := caller.recv(65536):
                            said += chunk
                    self._said.put(said)


@dataclass
class Canaries:
    """`places` are folders that attacks try to write, `secret` is a file whose text nobody else has.

    `port` on 127.0.0.1, and the abstract socket called as `marker`, listen. `marker` is an argument of any process
    that an attack starts.
    """

    places: tuple[Path, ...]
    secret: Path
    marker: str = field(default_factory=lambda: f"canary-{secrets.token_hex(8)}")
    text: str = field(default_factory=lambda: f"canary-text-{secrets.token_hex(16)}")
    port: int = 0
    listeners: tuple[Listener, ...] = ()

    def program(self, name: str) -> str:
        """Python that tries everything, leaves `name` wherever it gets, and ends with what it found as an exception."""
        given = {"places": [*map(str, self.places)], "secret": str(self.secret), "marker": self.marker}
        lines = [f"{key} = {value!r}" for key, value in {**given, "port": self.port, "name": name}.items()]
        # With names of its own: pickle runs it amid those of whoever opens the file.
        source = "\n".join(lines) + _PROGRAM
        return f"exec({source!r}, {{}})"

    def heard(self) -> list[bytes]:
        """What the listeners were told, one entry a connection."""
        return [said for listener in self.listeners for said in listener.heard()]

    def files(self) -> list[str]:
        """What was made in the places."""
        return sorted(one.name for place in self.places for one in place.iterdir() if one != self.secret)

    def processes(self) -> list[int]:
        """Those that an attack started and that live."""
        return [int(one.name) for one in Path("/proc").glob("[0-9]*") if self._is_ours(one)]

    def _is_ours(self, process: Path) -> bool:
        with suppress(OSError):
            return self.marker.encode() in (process / "cmdline").read_bytes().split(b"\0")
        return False

    def touched(self, *told: str) -> list[str]:
        """All that an attack reached; `told` is whatever came back from it."""
        leaked = ["the secret was told"] if any(self.text in one for one in told) else []
        heard = [f"a connection that said {one[:80]!r}" for one in self.heard()]
        return [*(f"the file {one}" for one in self.files()), *map(str, self.processes()), *heard, *leaked]

    def end(self) -> None:
        """Ends what an attack started."""
        for process in self.processes():
            os.kill(process, signal.SIGKILL)


@contextmanager
def watched(secret_in: Path, mode: int = 0o777) -> Iterator[Canaries]:
    """Canaries, with a secret in that folder and in this process's environment, and listeners that note each call.

    `mode` is that of the folder where files would be seen.
    """
    place = Path(tempfile.mkdtemp(prefix="canaries-"))
    place.chmod(mode)
    canaries = Canaries((place,), secret_in / "canary")
    canaries.secret.write_text(canaries.text)
    canaries.secret.chmod(0o600)
    os.environ[VARIABLE] = canaries.text
    by_port, by_name = Listener(socket.AF_INET, ("127.0.0.1", 0)), Listener(socket.AF_UNIX, f"\0{canaries.marker}")
    canaries.listeners, canaries.port = (by_port, by_name), by_port.address[1]  # type: ignore[index]
    try:
        yield canaries
    finally:
        for listener in canaries.listeners:
            listener.close()
        canaries.end()
        del os.environ[VARIABLE]
        canaries.secret.unlink(missing_ok=True)
        shutil.rmtree(place)

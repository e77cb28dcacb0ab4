"""A stack of a benchmark's own: started, killed, looked into."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from local.stack_file import StackFile, read_stack_file

START_SECONDS = 180.0
GONE_SECONDS = 5.0
FREED_SECONDS = 1.0


@dataclass(frozen=True)
class Process:
    """Told apart from a later one of the same number by its start."""

    pid: int
    started: str

    @property
    def lives(self) -> bool:
        return _fields(self.pid)[:1] not in ([], ["Z"]) and _fields(self.pid)[19] == self.started


class OwnStack:
    def __init__(self, state: Path, port: int) -> None:
        self.state = state
        self.port = port
        self.facts: StackFile | None = None
        self._launcher: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._launcher is not None
        return self._launcher.pid

    def spawn(self) -> threading.Event:
        """Starts the launcher; the event comes when it is ready, or has ended."""
        self.state.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "local", "--no-demo", "--port", str(self.port), "--state", str(self.state)]
        self._launcher = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        ready = threading.Event()
        threading.Thread(target=self._follow, args=(self._launcher, ready), daemon=True).start()
        return ready

    def start(self) -> float:
        """Seconds until it is ready."""
        begun = time.monotonic()
        if not self.spawn().wait(START_SECONDS) or self.ended:
            raise RuntimeError(f"the stack didn't start; see {self.state}/launcher.log and {self.state}/logs")
        self.facts = read_stack_file(self.state)
        return time.monotonic() - begun

    @property
    def ended(self) -> bool:
        return self._launcher is None or self._launcher.poll() is not None

    def stop(self) -> None:
        if not self.ended:
            assert self._launcher is not None
            self._launcher.send_signal(signal.SIGTERM)
            self._launcher.wait(60)

    def processes(self) -> dict[str, list[Process]]:
        """By the module that they run; `worker` for a function's, `sandbox` for what those start."""
        found: dict[str, list[Process]] = {}
        for pid in [self.pid, *_descendants(self.pid)]:
            fields = _fields(pid)
            if fields:
                role = "launcher" if pid == self.pid else _role(pid)
                found.setdefault(role, []).append(Process(pid, fields[19]))
        return found

    def kill(self, processes: list[Process]) -> None:
        for process in processes:
            if process.lives:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
        assert self._launcher is not None
        self._launcher.wait(60)

    def leftovers(self, processes: list[Process]) -> list[int]:
        """What of the killed stack still lives, after a moment for the kernel to end it: those seen before, and
        whatever names its state."""
        until = time.monotonic() + GONE_SECONDS
        while time.monotonic() < until:
            left = [process.pid for process in processes if process.lives]
            left += [pid for pid in _naming(self.state) if pid not in left]
            if not left:
                break
            time.sleep(0.05)
        return left

    def port_is_free(self) -> bool:
        """For a program that binds as the stack does, after a moment: its threads may end later."""
        until = time.monotonic() + FREED_SECONDS
        while not self._can_bind():
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True

    def _can_bind(self) -> bool:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                return False
        return True

    def _follow(self, launcher: subprocess.Popen[bytes], ready: threading.Event) -> None:
        assert launcher.stdout is not None
        with (self.state / "launcher.log").open("ab") as log:
            for line in launcher.stdout:
                log.write(line)
                log.flush()
                if line.startswith(b"ready "):
                    ready.set()
        launcher.wait()
        ready.set()


def memory_mib(pids: list[int]) -> tuple[float, float]:
    """Of all together: private and anonymous memory, then resident memory with files' pages shared out (PSS)."""
    anonymous = proportional = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        except OSError:
            continue
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
        anonymous += sizes.get("Pss_Anon", 0) + sizes.get("Pss_Shmem", 0)
        proportional += sizes.get("Pss", 0)
    return anonymous / 1024, proportional / 1024


def _naming(state: Path) -> list[int]:
    """Processes, other than this one and those that started it, that the state's path was given to."""
    named = os.fsencode(state) + b"/"
    found, own = [], _ancestors(os.getpid())
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) not in own:
            with contextlib.suppress(OSError):
                given = (process / "cmdline").read_bytes() + b"/" + (process / "environ").read_bytes()
                if (named in given or named[:-1] + b"\0" in given) and _fields(int(process.name))[:1] != ["Z"]:
                    found.append(int(process.name))
    return found


def _role(pid: int) -> str:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "gone"
    for word in command:
        if word.startswith(b"local."):
            return word.decode()
        if word.endswith(b"child.py"):
            return "worker"
    return "other"


def _descendants(pid: int) -> list[int]:
    """Of every thread's children."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *_descendants(int(child))]
    return found


def _ancestors(pid: int) -> set[int]:
    """With the process itself."""
    return {pid, *_ancestors(int(_fields(pid)[1]))} if pid else set()


def _fields(pid: int) -> list[str]:
    """From the third on: state first, the start time as the twentieth. None of a process that has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []

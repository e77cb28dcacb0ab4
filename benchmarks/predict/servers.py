"""What is compared: how a server starts with one model, and by which wire it is asked."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import requests
from numpy.typing import NDArray

from benchmarks.predict.loads import Load
from benchmarks.predict.processes import members
from benchmarks.predict.wires import Call, Wire

START_SECONDS, STOP_SECONDS = 90.0, 3.0


class Unfit(RuntimeError):
    """Why a server can't take a load, or wasn't measured under it."""


@dataclass(frozen=True)
class Running:
    """Of one server with one model: `pid` is the root of all its processes."""

    pid: int
    url: str
    wire: Wire


class Server(ABC):
    """`name` is how it stands in the tables."""

    name: str

    def is_for(self, load: Load) -> bool:
        """False where there is nothing to learn, so that the whole stays short."""
        return True

    @abstractmethod
    def start(self, load: Load, model: Path) -> Running:
        """Returns once it answers as onnxruntime does; raises Unfit."""

    @abstractmethod
    def stop(self) -> None: ...


class Program:
    """A process with all that it starts; its output in a file."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                command,
                env=_clean(os.environ) | environment,
                cwd=log.parent,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self.log = log
        self.pid = self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def stop(self) -> None:
        """What doesn't go when asked is killed, with all that it had started, sessions of their own or not."""
        started = members(self.pid)
        self._process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        for process in started:
            if process.lives:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
        self._process.wait()


def check(running: Running, call: Call, expected: NDArray[np.generic], program: Program | None = None) -> None:
    """Asks until it answers, then compares. Raises Unfit."""
    until = time.monotonic() + START_SECONDS
    while True:
        if program is not None and program.ended:
            raise Unfit(f"it ended: {_last_line(program.log)}")
        try:
            answer = requests.post(running.url + call.path, data=call.body, headers=call.headers, timeout=60)
        except requests.ConnectionError:
            answer = None
        if answer is not None and answer.status_code == 200:
            break
        if time.monotonic() > until:
            raise Unfit("it never came up" if answer is None else f"{answer.status_code}: {answer.text[:200]}")
        time.sleep(0.1)
    values = running.wire.answer(answer.content, answer.headers)
    if values.shape != expected.ravel().shape or not np.allclose(values, expected.ravel(), rtol=1e-3, atol=1e-4):
        raise Unfit(f"its answer isn't onnxruntime's: {values[:4]}, not {expected.ravel()[:4]}")


def _clean(environment: os._Environ[str]) -> dict[str, str]:
    """Without what names this process's own Python."""
    return {name: value for name, value in environment.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")[:300]

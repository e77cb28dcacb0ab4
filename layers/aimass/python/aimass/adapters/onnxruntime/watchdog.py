"""Ends runs at their deadline, with one thread for the process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Thread
from typing import Protocol


class Terminable(Protocol):
    """onnxruntime.RunOptions: the runtime looks at `terminate` between two nodes and in every turn of a loop."""

    terminate: bool


class Watchdog:
    """Sets `terminate` on what runs past its deadline. Watching costs a lock, and wakes the thread once a deadline."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._deadlines: dict[int, tuple[float, Terminable]] = {}
        self._wakes_at: float | None = None
        self._thread: Thread | None = None

    @contextmanager
    def watch(self, run: Terminable, seconds: float) -> Iterator[None]:
        """Terminates `run` if the block takes longer than `seconds`."""
        self._add(run, time.monotonic() + seconds)
        try:
            yield
        finally:
            with self._changed:
                del self._deadlines[id(run)]

    def _add(self, run: Terminable, deadline: float) -> None:
        with self._changed:
            self._deadlines[id(run)] = (deadline, run)
            if self._thread is None:
                self._thread = Thread(target=self._loop, name="watchdog", daemon=True)
                self._thread.start()
            elif self._wakes_at is None or deadline < self._wakes_at:
                self._changed.notify()

    def _loop(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for deadline, run in self._deadlines.values():
                    if deadline <= now:
                        run.terminate = True
                pending = [deadline for deadline, _ in self._deadlines.values() if deadline > now]
                self._wakes_at = min(pending, default=None)
                self._changed.wait(None if self._wakes_at is None else self._wakes_at - now)

"""How far a task is: its child says so beside its answers, and who asked hears it meanwhile."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

from aimass.domain.conversion import PHASES

_LONGEST_LINE = 200
_LAST_SECONDS = 10
_reply: int | None = None


def tell_on(descriptor: int) -> None:
    """Called once in a child, with what its answers go to."""
    global _reply
    _reply = descriptor


def tell(phase: str) -> None:
    """Says that a phase has begun; outside of a child nothing."""
    if _reply is not None:
        os.write(_reply, json.dumps({"phase": phase}).encode() + b"\n")


class Phases:
    """Hears them in what a child writes, of which a model may have written any part: known ones alone, each once.

    A thread of its own calls `heard`, in their order: it may take its time, and whoever feeds watches the limits.
    """

    def __init__(self, heard: Callable[[str], None] | None) -> None:
        self._said: SimpleQueue[str | None] = SimpleQueue()
        self._teller = Thread(target=self._tell, args=(heard,), daemon=True) if heard else None
        if self._teller:
            self._teller.start()
        self._lines = {json.dumps({"phase": phase}).encode(): phase for phase in PHASES}
        self._begun = b""

    def feed(self, chunk: bytes) -> None:
        """What was read last."""
        *lines, begun = (self._begun + chunk).split(b"\n")
        self._begun = begun[:_LONGEST_LINE]
        for line in lines:
            if phase := self._lines.pop(line, None):
                self._said.put(phase)

    def close(self, seconds: float = _LAST_SECONDS) -> None:
        """Waits until all were told, so that nothing later overtakes them, but no longer than `seconds`."""
        self._said.put(None)
        if self._teller:
            self._teller.join(seconds)

    def _tell(self, heard: Callable[[str], None]) -> None:
        while phase := self._said.get():
            heard(phase)

"""Who of those that wait for a place gets the next one: each share in its turn, as Batch's fair share has it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

_LOOK_SECONDS = 0.2


@dataclass(frozen=True, eq=False)
class _Waiting:
    """In the order in which they came."""

    share: str
    number: int


class Places:
    """`at_once` places. The next goes to the share that has fewest, then to the one that had its last turn longest
    ago; within a share to who came first. Nobody's many keep another's one waiting longer than for one of them.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._changed = threading.Condition()
        self._numbers = count()
        self._waiting: list[_Waiting] = []
        self._taken: Counter[str] = Counter()
        self._turns: dict[str, int] = {}  # of shares that wait or have a place: the others begin anew

    @contextmanager
    def taken(self, share: str, look: Callable[[], None]) -> Iterator[None]:
        """A place for a share. `look` is called while it waits, and may raise to end that."""
        self._wait(share, look)
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._taken[share] -= 1
                self._forget()
                self._changed.notify_all()

    def _wait(self, share: str, look: Callable[[], None]) -> None:
        with self._changed:
            mine = _Waiting(share, next(self._numbers))
            self._waiting.append(mine)
            try:
                while not (self._free and self._next() is mine):
                    look()
                    self._changed.wait(_LOOK_SECONDS)
                self._free -= 1
                self._taken[share] += 1
                self._turns[share] = next(self._numbers)
            finally:
                self._waiting.remove(mine)
                self._forget()
                self._changed.notify_all()

    def _next(self) -> _Waiting:
        return min(self._waiting, key=lambda one: (self._taken[one.share], self._turns.get(one.share, -1), one.number))

    def _forget(self) -> None:
        self._taken = +self._taken
        known = {one.share for one in self._waiting} | set(self._taken)
        self._turns = {share: turn for share, turn in self._turns.items() if share in known}

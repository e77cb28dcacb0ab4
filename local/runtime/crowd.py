"""Callers of one model at the same time, whose calls may run together: when a call waits for others, and how long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from local.runtime.job import MOST_CALLS, Call


class Crowd:
    """The calls of one key.

    A call waits while fewer are in flight than lately, `delay` seconds at most. So a lone caller never waits, and
    callers who each wait for their answer before they ask again are soon together.
    """

    def __init__(self, release: Callable[[list[Call]], None]) -> None:
        self.most_calls = MOST_CALLS
        self.delay = 0.0
        self._release = release
        self.in_flight = 0
        self._expected = 1
        self._held: list[Call] = []
        self._timer: asyncio.TimerHandle | None = None

    def limit(self, most_calls: int, delay_ms: float) -> None:
        self.most_calls = max(1, min(most_calls, MOST_CALLS))
        self.delay = delay_ms / 1000

    def arrive(self, call: Call) -> None:
        """Releases the call, with those that wait, or holds it for a while."""
        self.in_flight += 1
        call.result.add_done_callback(self._left)
        self._held.append(call)
        if self.in_flight >= self._expected or len(self._held) >= self.most_calls or not self.delay:
            self._expected = max(self._expected, self.in_flight)
            self._let_go()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.delay, self._give_up)

    def _left(self, _: object) -> None:
        self.in_flight -= 1

    def _give_up(self) -> None:
        self._expected = self.in_flight
        self._let_go()

    def _let_go(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        calls, self._held = self._held, []
        self._release(calls)

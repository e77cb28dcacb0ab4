"""Calls a second: an environment counts its own, and asks now and then what the others count."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from aimass.domain.errors import TooManyCalls
from aimass.domain.ports import CallCounter

_SHARES = 20  # a limit is told to the others in twentieths


@dataclass
class _Second:
    """What is known of one tenant in the present second."""

    known: int = 0  # admitted anywhere, as of the last telling
    untold: int = 0


class CallMeter:
    """Holds tenants to their calls a second, over all environments.

    With n environments at most `limit + n * (ceil(limit / 20) - 1)` calls pass in a second; from one, `limit` exactly.
    """

    def __init__(self, counter: CallCounter, clock: Callable[[], float]) -> None:
        self._counter = counter
        self._clock = clock
        self._second = 0
        self._tenants: dict[str, _Second] = {}

    def admit(self, tenant: str, limit: int) -> None:
        """Counts a call. Raises TooManyCalls."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._tenants = second, {}
        calls = self._tenants.setdefault(tenant, _Second())
        if calls.known + calls.untold >= limit:
            raise _too_many(limit)
        calls.untold += 1
        if calls.untold >= math.ceil(limit / _SHARES):
            total = self._counter.add(tenant, second, calls.untold)
            calls.known, calls.untold = max(calls.known + calls.untold, total), 0
            if total > limit:
                raise _too_many(limit)


def _too_many(limit: int) -> TooManyCalls:
    return TooManyCalls(
        f"this tenant may make {limit} calls a second; try again in the next one",
        limit="calls_per_second",
        allowed=limit,
        retry_after=1,
    )

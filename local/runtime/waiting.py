"""The calls that wait for a function, first come first served; calls that may run together leave together."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

from local.runtime.crowd import Crowd
from local.runtime.job import Call, Job
from local.runtime.result import MAX_PAYLOAD_BYTES, Key

MOST_CROWDS = 1000
_PER_CALL = 1  # its comma
_FRAME = len(b'{"calls":[]}')


class Waiting:
    """`changed` is called when calls have come that a worker may take."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._calls: deque[Call] = deque()
        self._crowds: OrderedDict[Key, Crowd] = OrderedDict()

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, call: Call) -> None:
        crowd = self._crowds.get(call.key) if call.key else None
        if crowd:
            crowd.arrive(call)
        else:
            self._join([call])

    def take(self, workers: int) -> Job | None:
        """What one of so many workers is given: its fair share where several calls may run together."""
        first = self.pop()
        if first is None:
            return None
        crowd = self._crowds.get(first.key) if first.key else None
        return Job(self._together(first, crowd, workers) if crowd else [first], self._heard)

    def pop(self) -> Call | None:
        """The next call that somebody still waits for, out of the queue."""
        while self._calls:
            call = self._calls.popleft()
            if not call.settled:
                return call
        return None

    def _join(self, calls: list[Call]) -> None:
        self._calls.extend(calls)
        self._changed()

    def _together(self, first: Call, crowd: Crowd, workers: int) -> list[Call]:
        others = [call for call in self._calls if call.key == first.key and not call.settled]
        share = -(-crowd.in_flight // workers)
        room = MAX_PAYLOAD_BYTES - _FRAME - len(first.payload)
        together = [first]
        for call in others[: min(share, crowd.most_calls) - 1]:
            room -= len(call.payload) + _PER_CALL
            if room < 0:
                break
            together.append(call)
        if len(together) > 1:
            taken = {id(call) for call in together}
            self._calls = deque(call for call in self._calls if id(call) not in taken)
        return together

    def _heard(self, key: Key, answer: Any) -> None:
        """Learns from a function's answer whether calls like this one may run together; an error says nothing."""
        if not isinstance(answer, dict):
            return
        told = answer.get("batching")
        if told:
            self._crowd(key).limit(int(told["max_batch"]), float(told["max_delay_ms"]))
        elif answer.get("statusCode") == 200:
            self._crowds.pop(key, None)

    def _crowd(self, key: Key) -> Crowd:
        crowd = self._crowds.get(key)
        if crowd is None:
            if len(self._crowds) >= MOST_CROWDS:
                self._crowds.popitem(last=False)
            crowd = self._crowds[key] = Crowd(self._join)
        return crowd

"""What waits for a function and what a worker is given: one call, or several that run together."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from local.runtime.result import MAX_PAYLOAD_BYTES, Key, Result, failure, read_json

#: In one invocation.
MOST_CALLS = 64


@dataclass(slots=True, eq=False)
class Call:
    """An event and whoever waits for its result."""

    payload: bytes
    result: asyncio.Future[Result]
    key: Key | None = None

    @property
    def settled(self) -> bool:
        """Nobody waits any more, or there is a result."""
        return self.result.done()

    def settle(self, result: Result) -> None:
        if not self.result.done():
            self.result.set_result(result)


class Job:
    """One invocation. Several calls go as `{"calls": [event, ...]}` and come back as `{"answers": [answer, ...]}`."""

    __slots__ = ("_heard", "calls", "payload", "request_id")

    def __init__(self, calls: Sequence[Call], heard: Callable[[Key, Any], None]) -> None:
        """`heard` is told the answer of each call that has a key."""
        self.calls = calls
        self.payload = calls[0].payload if len(calls) == 1 else merged(calls)
        self.request_id = _request_id()
        self._heard = heard

    @property
    def most_bytes(self) -> int:
        """That its result may have."""
        return MAX_PAYLOAD_BYTES * len(self.calls)

    def finish(self, result: Result) -> None:
        """Each call gets its answer, or all get what became of the invocation."""
        if result.failed or self.calls[0].key is None:
            outcomes = [result] * len(self.calls)
        elif len(self.calls) == 1:
            outcomes = [_read_result(result)]
        else:
            outcomes = _results(result.payload, len(self.calls))
        for call, outcome in zip(self.calls, outcomes, strict=True):
            if call.key and not outcome.failed:
                self._heard(call.key, outcome.answer)
            call.settle(outcome)


def merged(calls: Sequence[Call]) -> bytes:
    return b'{"calls":[' + b",".join(call.payload for call in calls) + b"]}"


def _read_result(result: Result) -> Result:
    try:
        return Result(result.payload, answer=read_json(result.payload))
    except ValueError:
        return result


def _results(payload: bytes, count: int) -> list[Result]:
    try:
        found = read_json(payload)
    except ValueError:
        found = None
    answers = found.get("answers") if isinstance(found, dict) else None
    if not isinstance(answers, list) or len(answers) != count:
        return [failure("Runtime.MalformedResult", f"no answer for each of {count} calls")] * count
    return [Result(b"", answer=answer) for answer in answers]


def _request_id() -> str:
    """A random UUID's form."""
    one = os.urandom(16).hex()
    return f"{one[:8]}-{one[8:12]}-4{one[13:16]}-8{one[17:20]}-{one[20:]}"

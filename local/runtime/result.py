"""What invoking a function gives."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Result:
    """`payload` is the JSON that the function returned, or its error's when it `failed`.

    `answer` is that JSON read, where it was read already; then there may be no payload.
    """

    payload: bytes
    failed: bool = False
    answer: Any = None


#: Calls that may run together have the same key: who calls what.
Key = tuple[str, ...]


class Invoke(Protocol):
    def __call__(self, name: str, payload: bytes, key: Key | None = None) -> Awaitable[Result]: ...


class Throttled(RuntimeError):
    """Too many calls wait for the function already."""


class UnknownFunction(LookupError):
    """No such function is deployed."""


def read_json(payload: bytes) -> Any:
    """As Python's own reader takes it, NaN and lone surrogates too. Raises ValueError."""
    try:
        return orjson.loads(payload)
    except ValueError:
        return json.loads(payload)


def failure(error_type: str, message: str) -> Result:
    """An error in the words of Lambda."""
    return Result(json.dumps({"errorType": error_type, "errorMessage": message}).encode(), failed=True)

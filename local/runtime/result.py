"""What invoking a function gives."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Result:
    """`payload` is the JSON that the function returned, or its error's when it `failed`."""

    payload: bytes
    failed: bool = False


Invoke = Callable[[str, bytes], Awaitable[Result]]


class Throttled(RuntimeError):
    """Too many calls wait for the function already."""


class UnknownFunction(LookupError):
    """No such function is deployed."""


def failure(error_type: str, message: str) -> Result:
    """An error in the words of Lambda."""
    return Result(json.dumps({"errorType": error_type, "errorMessage": message}).encode(), failed=True)

"""JSON that nobody vouches for, read without a surprise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

#: More than any configuration of a model has.
MAX_BYTES = 4 << 20


class NotAnObject(ValueError):
    """Not JSON, no object, nested too deep, or a key given twice."""


def parse(text: bytes) -> dict[str, Any]:
    """The JSON object. Raises NotAnObject."""
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except NotAnObject:
        raise
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise NotAnObject(reason[:200]) from None
    if not isinstance(found, dict):
        raise NotAnObject("it is no object")
    return found


def read(path: Path) -> dict[str, Any] | None:
    """The file's JSON object; None for one of over 4 MiB, or that holds none."""
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        return None
    try:
        return parse(path.read_bytes())
    except NotAnObject:
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NotAnObject("it gives a key twice")
    return found

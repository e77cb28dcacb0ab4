"""What a stranger's process told, as JSON values: held to what can be kept and repeated before anything else is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: Between these a number, or its negative, can be kept: the table's end at 1e-130 and 1e126.
SMALLEST, LARGEST = 1e-100, 1e100
_WHOLE = 1 << 63
_DEEPEST = 12


def check_texts(value: Any, deepest: int = _DEEPEST) -> None:
    """Raises ValueError for text that is no UTF-8, and for more nesting than `deepest`."""
    for one in _scalars(value, deepest):
        if isinstance(one, str):
            one.encode()  # UnicodeEncodeError is a ValueError


def check_numbers(value: Any, deepest: int = _DEEPEST) -> None:
    """Raises ValueError for numbers that can't be kept, and for more nesting than `deepest`."""
    if not all(is_kept(one) for one in _scalars(value, deepest)):
        raise ValueError("it holds a number that can't be kept")


def is_kept(value: Any) -> bool:
    """Whether this scalar is no number that the table can't hold."""
    if isinstance(value, float):
        return value == 0 or SMALLEST <= abs(value) <= LARGEST  # nan is neither
    return not isinstance(value, int) or -_WHOLE <= value < _WHOLE


def _scalars(value: Any, deepest: int) -> Iterator[Any]:
    """Those of all lists and mappings within, and the names in mappings."""
    if isinstance(value, str) or not isinstance(value, (Mapping, Sequence)):
        yield value
        return
    if deepest == 0:
        raise ValueError("it is nested too deeply")
    for one in value:
        yield from _scalars(one, deepest - 1)
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _scalars(one, deepest - 1)

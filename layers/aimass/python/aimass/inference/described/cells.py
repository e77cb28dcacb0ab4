"""One cell of a table: JSON's values, or text as CSV has it. Each function raises ValueError with what is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aimass.inference.tensors import brief

_TRUTHS = {"true": 1, "false": 0}
_NAMED = 20  # categories in a message


def number_of(cell: Any) -> int | float:
    """A number, exact where it is an integer; true and false are 1 and 0. Text may be `nan`, `inf` and `-inf`."""
    if isinstance(cell, int | float):
        return int(cell) if isinstance(cell, bool) else cell
    if not isinstance(cell, str):
        raise ValueError(f"wants a number, got {brief(cell)}")
    text = cell.strip().lower()
    if text in _TRUTHS:
        return _TRUTHS[text]
    number = _parsed(text)
    if number is None:
        raise ValueError(f"wants a number, got {brief(cell)}")
    return number


def numbers_of(texts: Sequence[str], whole: bool) -> list[int] | list[float] | None:
    """What `number_of` gives for plain numbers, all at once and ten times as fast; None where one is anything else."""
    together = "".join(texts)
    if "_" in together or not together.isascii():
        return None
    try:
        if whole:
            return list(map(int, texts))
        numbers = list(map(float, texts))
    except ValueError:
        return None
    return None if math.inf in numbers or -math.inf in numbers else numbers


def _parsed(text: str) -> int | float | None:
    if "_" in text or not text.isascii():  # which Python's numbers may have, and CSV's do not
        return None
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        # 1e999 is no infinity that somebody meant.
        return None if number in (math.inf, -math.inf) and "n" not in text else number
    return None


def text_of(cell: Any) -> str:
    """Text as it is; an integer in digits, for CSV knows no difference."""
    if type(cell) is int:
        return str(cell)
    if not isinstance(cell, str):
        raise ValueError(f"wants text, got {brief(cell)}")
    return cell


def category_of(cell: Any, numbers: Mapping[str, Any]) -> Any:
    """What `numbers` has for the category, in its spelling there: 3.0 is `3.0` or `3`, true is `true` or `True`.

    Where it has several, the cell's own is meant.
    """
    for name in _spellings(cell):
        if name in numbers:
            return numbers[name]
    shown = ", ".join(repr(one)[:80] for one in list(numbers)[:_NAMED])
    more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
    raise ValueError(f"no category {brief(cell)}; there are {shown}{more}")


def _spellings(cell: Any) -> Iterator[str]:
    """The cell's own first; then how JSON, Python and pandas write the same number or truth."""
    if isinstance(cell, str):
        yield cell
        text = cell.strip().lower()
        value: Any = bool(_TRUTHS[text]) if text in _TRUTHS else _parsed(text)
        if value is None:
            return
    elif isinstance(cell, int | float):
        value = cell
    else:
        raise ValueError(f"wants a category, got {brief(cell)}")
    if isinstance(value, bool):
        yield from (str(value).lower(), str(value))
        return
    yield str(value)
    if isinstance(value, int):
        yield f"{value}.0"
    elif value.is_integer():
        yield str(int(value))

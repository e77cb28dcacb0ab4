"""Figures as they leave: four digits that matter, once nothing is compared with them any more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any

_DIGITS = 4
_HOW = {"upper": ROUND_CEILING, "lower": ROUND_FLOOR}
_AS_GIVEN = "allowed"
_WHOLE = 1e15  # from here on floats have nothing behind the point


def rounded(document: Any, name: str = "") -> Any:
    """Each float of a JSON document, by its key: `upper` is never rounded down, `lower` never up, `allowed` stays."""
    if isinstance(document, Mapping):
        return {key: rounded(value, key) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [rounded(value) for value in document]
    if not isinstance(document, float) or name == _AS_GIVEN:
        return document
    return _rounded(document, _DIGITS, _HOW.get(name, ROUND_HALF_EVEN))


def up(value: float, digits: int = _DIGITS) -> float:
    """To so many digits that matter, never below it."""
    return _rounded(value, digits, ROUND_CEILING)


def up_to(value: float, decimals: int) -> float:
    """To so many digits behind the point, never below it."""
    return _at_place(value, -decimals, ROUND_CEILING) if abs(value) < _WHOLE else value


def _rounded(value: float, digits: int, how: str) -> float:
    if not value or not math.isfinite(value):
        return value
    return _at_place(value, Decimal(repr(float(value))).adjusted() - digits + 1, how)


def _at_place(value: float, place: int, how: str) -> float:
    """By the number as it is written: 0.3 is three tenths, whatever its binary digits are."""
    return float(Decimal(repr(float(value))).quantize(Decimal(1).scaleb(place), how)) + 0.0

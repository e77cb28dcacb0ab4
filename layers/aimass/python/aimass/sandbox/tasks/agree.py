"""Whether two answers of a model are the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

RTOL, ATOL = 1e-4, 1e-5
# Half precision has 11 bits, bfloat16 has 8.
_HALF_RTOL, _HALF_ATOL = 2e-3, 1e-3


def agree(one: Any, other: Any) -> bool:
    """Floats within a relative 1e-4 or an absolute 1e-5 (halves: 2e-3 and 1e-3); all else equal."""
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(agree(value, other[key]) for key, value in one.items())
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return _arrays_agree(one, other)
    if isinstance(one, list | tuple):
        return isinstance(other, Sequence) and len(one) == len(other) and all(map(agree, one, other))
    if isinstance(one, float):
        return bool(np.isclose(one, other, RTOL, ATOL, equal_nan=True))
    return bool(one == other)


def _arrays_agree(one: Any, other: Any) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    half = one.dtype.itemsize == 2
    if one.dtype.kind == "V":  # bfloat16, which numpy cannot compare so
        one, other = one.astype(np.float32), other.astype(np.float32)
    if one.dtype.kind != "f":
        return bool(np.array_equal(one, other))
    rtol, atol = (_HALF_RTOL, _HALF_ATOL) if half else (RTOL, ATOL)
    return bool(np.allclose(one, other, rtol, atol, equal_nan=True))

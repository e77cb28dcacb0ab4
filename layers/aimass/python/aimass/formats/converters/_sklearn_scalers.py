"""What scalers do to a number, and which number they make into another: the way back that a last bit doesn't change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
#: An operation of ONNX's and what it is done with, a value or one for each column.
Step = tuple[str, Any]

_DO = {
    "Sub": np.subtract,
    "Div": np.divide,
    "Mul": np.multiply,
    "Add": np.add,
    "Max": np.maximum,
    "Min": np.minimum,
}
_BITS = 64


def operations(scaler: Any) -> Iterator[Step]:
    """In scikit-learn's own order: the bits are its."""
    kind = type(scaler).__name__
    if kind == "MinMaxScaler":
        yield "Mul", scaler.scale_
        yield "Add", scaler.min_
        if scaler.clip:
            yield "Max", [float(scaler.feature_range[0])]
            yield "Min", [float(scaler.feature_range[1])]
        return
    centre = {"StandardScaler": "mean_", "RobustScaler": "center_"}.get(kind)
    wanted = {"StandardScaler": "with_mean", "RobustScaler": "with_centering"}.get(kind)
    if centre and getattr(scaler, str(wanted)):
        yield "Sub", getattr(scaler, centre)
    if scaler.scale_ is not None:
        yield "Div", scaler.scale_


def of_column(steps: Sequence[Step], column: int) -> list[Step]:
    """The same with one value each."""
    found = [(kind, np.ravel(values)) for kind, values in steps]
    return [(kind, float(values[column if len(values) > 1 else 0])) for kind, values in found]


def scaled(values: Array, steps: Sequence[Step], *, single: bool = False) -> Array:
    """Doubles after the steps, each with one value; `Cast` rounds to single precision, as the end does with `single`.

    None of them turns the order of numbers round.
    """
    with np.errstate(all="ignore"):
        for kind, value in [*steps, ("Cast", None)] if single else steps:
            rounded = kind == "Cast"
            values = values.astype(np.float32).astype(np.float64) if rounded else _DO[kind](values, value)
    return values


def greatest(thresholds: Array, steps: Sequence[Step], *, single: bool = False, strict: bool = False) -> Array:
    """By threshold, the greatest double that the steps don't take above it or, if `strict`, take below it."""
    compare = np.less if strict else np.less_equal
    low = np.full(len(thresholds), _number(np.array([-np.inf]))[0])
    high = np.full(len(thresholds), _number(np.array([np.inf]))[0])
    for _ in range(_BITS):
        middle = (low >> 1) + (high >> 1) + (low & high & 1)
        fits = compare(scaled(_double(middle), steps, single=single), thresholds)
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return _double(low)


def stands_for(singles: Array) -> Array:
    """The doubles that numbers in single precision most likely stand for: those of the fewest digits."""
    return np.array([float(str(value)) for value in singles.astype(np.float32)], np.float64)


def _number(values: Array) -> Array:
    """Whole numbers in the order of the doubles."""
    bits = values.astype(np.float64).view(np.int64)
    return np.where(bits < 0, np.int64(-(2**63)) - bits, bits)


def _double(numbers: Array) -> Array:
    found: Array = np.where(numbers < 0, np.int64(-(2**63)) - numbers, numbers).view(np.float64)
    return found

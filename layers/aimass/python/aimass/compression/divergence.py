"""How far a model's outputs are from another's, whatever they mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from aimass.compression.answers import Outputs, matrix_of

Array = np.ndarray[Any, Any]


def unusable(original: Outputs, candidate: Outputs) -> str | None:
    """Why a candidate's answers are none: an output is missing, of another shape, or not finite where it was."""
    for name, value in original.items():
        if name not in candidate:
            return f"output {name!r} is missing"
        other = candidate[name]
        if np.shape(other) != np.shape(value):
            return f"output {name!r} has the shape {list(np.shape(other))}, the original's {list(np.shape(value))}"
        if isinstance(value, np.ndarray) and value.dtype.kind not in "fV":
            continue
        before, after = matrix_of(value), matrix_of(other)
        if before.shape != after.shape:
            return f"output {name!r} has other classes than the original's"
        broken = ~np.isfinite(after) & ~((after == before) | (np.isnan(after) & np.isnan(before)))
        if broken.any():
            return f"output {name!r} is not finite in {int(broken.reshape(len(broken), -1).any(axis=1).sum())} rows"
    return None


def divergence_of(original: Outputs, candidate: Outputs) -> Array:
    """Of each row, the root mean square of what differs by the root mean square of the original's: the output's that
    differs most. A row's size counts as a tenth of all rows' at least, for next to nothing everything is far away.
    """
    count = len(next(iter(original.values())))
    worst = np.zeros(count)
    for name, value in original.items():
        if len(value) != count:
            continue  # a state, which has no rows
        if isinstance(value, np.ndarray) and value.dtype.kind not in "fV":
            here = (np.asarray(value) != np.asarray(candidate[name])).reshape(count, -1).mean(axis=1)
        else:
            here = _relative(matrix_of(value).reshape(count, -1), matrix_of(candidate[name]).reshape(count, -1))
        worst = np.maximum(worst, here)
    return worst


def _relative(original: Array, candidate: Array) -> Array:
    if not original.size:
        return np.zeros(len(original))
    both = np.isfinite(original)  # what is not, is not in both
    before = np.where(both, original, 0)
    error = _size(np.where(both, candidate, 0) - before)
    size = np.maximum(_size(before), _size(before.reshape(1, -1)) / 10)
    return np.divide(error, size, out=np.where(error > 0, np.inf, 0.0), where=size > 0)


def _size(values: Array) -> Array:
    return np.asarray(np.sqrt((values * values).mean(axis=1)))

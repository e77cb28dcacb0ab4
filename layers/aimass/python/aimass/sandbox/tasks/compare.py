"""What a model answered beside what another did, and how far apart they may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aimass.domain.conversion import Difference
from aimass.domain.datatypes import datatype_of

Array = np.ndarray[Any, Any]

#: By the coarser type of the two: how far a value may be off, of itself and of its output's usual size (ADR 52).
TOLERANCES = {2: 1e-2, 4: 1e-4, 8: 1e-6}
BFLOAT16 = 5e-2
_WIDTHS = {"float16": 2, "double": 8, "float": 4}


@dataclass(frozen=True)
class Compared:
    """One output of one call, as two tables of `rows`; `misfit` says why they can't be compared.

    `scores` says that the output itself is such a table, whose columns may be classes.
    """

    reference: Array
    got: Array
    misfit: str | None = None
    scores: bool = False

    @property
    def labels(self) -> bool:
        """Whether both are whole numbers, strings or booleans."""
        return _is_label(self.reference) and _is_label(self.got)


@dataclass(frozen=True)
class Judged:
    """An output's difference, and by call the rows that lie beyond the tolerance and those whose best two tie.

    `misfit` says why answers could not be compared, if so.
    """

    difference: Difference
    beyond: Sequence[Array]
    tied: Sequence[Array]
    misfit: str | None = None


def compared(reference: Any, got: Any, rows: int) -> Compared:
    """Both values as tables with a line for each row. Dimensions of one may differ."""
    one, other = array_of(reference), array_of(got)
    if one.shape != other.shape and _squeezed(one) != _squeezed(other):
        misfit = f"the original answers the shape {list(one.shape)}, the ONNX model {list(other.shape)}"
        return Compared(one, other, misfit)
    lines = rows if other.ndim and other.shape[0] == rows else 1
    table = (lines, other.size // max(1, lines))
    scores = other.ndim == 2 and lines == rows and table[1] > 1
    return Compared(one.reshape(table), other.reshape(table), scores=scores)


def array_of(value: Any) -> Array:
    """One array of a tensor, a sequence or maps; a map's values are in the order of its keys."""
    if isinstance(value, Mapping):
        return np.array([value[key] for key in sorted(value)])
    if isinstance(value, list | tuple):
        parts = [array_of(one) for one in value]
        same = parts and all(part.shape == parts[0].shape for part in parts)
        return np.stack(parts) if same else np.concatenate([part.ravel() for part in parts] or [np.zeros(0)])
    array = np.asarray(value) if value is not None else np.zeros(0)
    return array.astype(np.float32) if array.dtype.kind == "V" else array


def judge(name: str, kind: str, calls: Sequence[Compared]) -> Judged:
    """Judges one output of the runtime's type `kind` over all calls."""
    fitting = [one for one in calls if one.misfit is None]
    misfit = next((one.misfit for one in calls if one.misfit), None)
    if fitting and all(one.labels for one in fitting):
        beyond = [_unequal(one) if one.misfit is None else _all_rows(one) for one in calls]
        difference = Difference(name, datatype_of(kind), None, None, _share(beyond), 0.0, 0.0, not _any(beyond))
        return Judged(difference, beyond, [np.zeros(len(rows), bool) for rows in beyond], misfit)
    return replace(_judged_numbers(name, kind, calls, fitting), misfit=misfit)


def _judged_numbers(name: str, kind: str, calls: Sequence[Compared], fitting: Sequence[Compared]) -> Judged:
    relative = max((_tolerance(kind, one.reference.dtype) for one in fitting), default=0.0)
    absolute = relative * _usual_size(fitting)
    measured = [_Numbers(one, absolute, relative) if one.misfit is None else None for one in calls]
    beyond = [numbers.beyond if numbers else _all_rows(one) for one, numbers in zip(calls, measured, strict=True)]
    there = [numbers for numbers in measured if numbers]
    scores = [numbers.best_agree for numbers in there if numbers.best_agree is not None]
    difference = Difference(
        output=name,
        datatype=datatype_of(kind),
        largest_absolute=max((numbers.largest for numbers in there), default=None),
        largest_relative=max((numbers.largest_relative for numbers in there), default=None),
        agreement=float(np.concatenate(scores).mean()) if scores else None,
        absolute=absolute,
        relative=relative,
        within=not _any(beyond),
    )
    tied = [numbers.tied if numbers else np.zeros(0, bool) for numbers in measured]
    return Judged(difference, beyond, tied)


class _Numbers:
    """Two tables of numbers. NaN equals NaN, and an infinity itself; beside anything else both are beyond."""

    def __init__(self, one: Compared, absolute: float, relative: float) -> None:
        reference, got = _doubles(one.reference), _doubles(one.got)
        finite = np.isfinite(reference) & np.isfinite(got)
        same = (np.isnan(reference) & np.isnan(got)) | (reference == got)
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.where(finite, np.abs(reference - got), 0.0)
        size = np.where(finite, np.abs(reference), 0.0)
        usual = absolute / relative if relative else 1.0
        self.largest = float(np.max(apart, initial=0.0))
        self.largest_relative = float(np.max(apart / np.maximum(size, usual or 1.0), initial=0.0))
        self.beyond: Array = np.any(~same & (~finite | (apart > absolute + relative * size)), axis=1)
        scores = one.scores and bool(finite.all())
        self.best_agree = reference.argmax(1) == got.argmax(1) if scores else None
        self.tied = self._ties(reference, absolute, relative) if scores else np.zeros(len(reference), bool)

    @staticmethod
    def _ties(reference: Array, absolute: float, relative: float) -> Array:
        """Rows whose two best values may change places within the tolerance."""
        second, best = np.sort(reference, axis=1)[:, -2:].T
        tied: Array = best - second <= 2 * (absolute + relative * np.abs(best))
        return tied


def _usual_size(calls: Sequence[Compared]) -> float:
    """The median over rows of the root mean square of the reference; one row beyond all others doesn't move it."""
    with np.errstate(over="ignore"):
        rows = [np.sqrt(np.mean(np.square(_tame(one.reference)), axis=1)) for one in calls if one.reference.size]
    sizes = np.concatenate(rows) if rows else np.zeros(0)
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    return float(np.median(sizes)) if sizes.size else 1.0


def _tame(array: Array) -> Array:
    return np.nan_to_num(_doubles(array), nan=0.0, posinf=0.0, neginf=0.0)


def _tolerance(kind: str, dtype: np.dtype[Any]) -> float:
    """That of the coarser one: the runtime's type `kind`, which may be a map of floats, and the original's."""
    if "bfloat16" in kind:
        return BFLOAT16
    width = next((width for word, width in _WIDTHS.items() if word in kind), 8)
    return TOLERANCES[min(width, dtype.itemsize if dtype.kind == "f" else 8)]


def _doubles(array: Array) -> Array:
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):  # text beside numbers
        return np.full(array.shape, np.nan)


def _is_label(array: Array) -> bool:
    return array.dtype.kind in "iubOUS"


def _squeezed(array: Array) -> tuple[int, ...]:
    return tuple(size for size in array.shape if size != 1)


def _unequal(one: Compared) -> Array:
    unequal: Array = np.any(one.reference.astype(object) != one.got.astype(object), axis=1)
    return unequal


def _all_rows(one: Compared) -> Array:
    return np.ones(max(1, len(one.got) if one.got.ndim else 1), bool)


def _share(beyond: Sequence[Array]) -> float:
    rows = np.concatenate([*beyond, np.zeros(0, bool)])
    return 1.0 - float(rows.mean()) if rows.size else 1.0


def _any(beyond: Sequence[Array]) -> bool:
    return any(bool(rows.any()) for rows in beyond)

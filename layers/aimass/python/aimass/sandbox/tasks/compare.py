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
#: Below so many values a column's own size isn't known, and beside more columns rounding depends on the whole row: it
#: counts as at least a share of its row. So it does, with a smaller one, where it is zero but for a few rows.
_KNOWN_VALUES, _NARROW, _LEAST_SHARE, _ZERO_SHARE = 16, 16, 0.1, 1e-3
_LEAST_OF_GREATEST = 1e-45


@dataclass(frozen=True)
class Compared:
    """One output of one call, as two tables of `rows`; `misfit` says why they can't be compared.

    `scores` says that the output itself is such a table, whose columns may be classes; `width` is its last dimension.
    """

    reference: Array
    got: Array
    misfit: str | None = None
    scores: bool = False
    width: int = 1

    @property
    def labels(self) -> bool:
        """Whether both are whole numbers, strings or booleans."""
        return _is_label(self.reference) and _is_label(self.got)


@dataclass(frozen=True)
class Judged:
    """An output's difference, and by call what was compared, the rows beyond the tolerance and the columns that tie.

    `tied` has a line for each row, True for the best column and those that tie with it. `misfit` says why answers could
    not be compared, if so.
    """

    difference: Difference
    beyond: Sequence[Array]
    tied: Sequence[Array]
    calls: Sequence[Compared]
    misfit: str | None = None


def pair_of(name: str, original: Mapping[str, Any], onnx: Mapping[str, Any], rows: int) -> Compared:
    """One output of a call. What one side alone answers does not fit."""
    if name in original and name in onnx:
        return compared(original[name], onnx[name], rows)
    side = "the original" if name in onnx else "the ONNX model"
    return Compared(np.zeros((rows, 0)), np.zeros((rows, 0)), f"{side} answers it in some calls only")


def compared(reference: Any, got: Any, rows: int) -> Compared:
    """Both values as tables with a line for each row. Dimensions of one may differ."""
    one, other = array_of(reference), array_of(got)
    if one.shape != other.shape and _squeezed(one) != _squeezed(other):
        misfit = f"the original answers the shape {list(one.shape)}, the ONNX model {list(other.shape)}"
        return Compared(one, other, misfit)
    lines = rows if other.ndim and other.shape[0] == rows else 1
    table = (lines, other.size // max(1, lines))
    scores = other.ndim == 2 and lines == rows and table[1] > 1
    width = other.shape[-1] if other.ndim > 1 or lines != rows else 1
    return Compared(one.reshape(table), other.reshape(table), scores=scores, width=width if other.size else 1)


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
        return Judged(difference, beyond, [np.zeros((len(rows), 0), bool) for rows in beyond], calls, misfit)
    return replace(_judged_numbers(name, kind, calls, fitting), misfit=misfit)


def _judged_numbers(name: str, kind: str, calls: Sequence[Compared], fitting: Sequence[Compared]) -> Judged:
    relative = max((_tolerance(kind, one.reference.dtype) for one in fitting), default=0.0)
    sizes = usual_sizes(fitting)
    measured = [_Numbers(one, sizes[one.width], relative) if one.misfit is None else None for one in calls]
    beyond = [numbers.beyond if numbers else _all_rows(one) for one, numbers in zip(calls, measured, strict=True)]
    there = [numbers for numbers in measured if numbers]
    scores = [numbers.best_agree for numbers in there if numbers.best_agree is not None]
    worst = max(there, key=lambda numbers: numbers.excess, default=None)
    difference = Difference(
        output=name,
        datatype=datatype_of(kind),
        largest_absolute=max((numbers.largest for numbers in there), default=None),
        largest_relative=max((numbers.largest_relative for numbers in there), default=None),
        agreement=float(np.concatenate(scores).mean()) if scores else None,
        absolute=worst.absolute if worst else 0.0,
        relative=relative,
        within=not _any(beyond),
    )
    tied = [numbers.tied if numbers else np.zeros((0, 0), bool) for numbers in measured]
    return Judged(difference, beyond, tied, calls)


class _Numbers:
    """Two tables of numbers. NaN equals NaN, and an infinity itself; beside anything else both are beyond.

    `sizes` are the usual ones of the columns. `absolute` is what the column furthest beyond its tolerance may be off.
    """

    def __init__(self, one: Compared, sizes: Array, relative: float) -> None:
        reference, got = _doubles(one.reference), _doubles(one.got)
        usual = np.tile(sizes, reference.shape[1] // len(sizes))
        finite = np.isfinite(reference) & np.isfinite(got)
        same = (np.isnan(reference) & np.isnan(got)) | (reference == got)
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.where(finite, np.abs(reference - got), 0.0)
        size = np.where(finite, np.abs(reference), 0.0)
        with np.errstate(over="ignore"):
            allowed = relative * usual + relative * size
        self.largest = float(np.max(apart, initial=0.0))
        self.largest_relative = float(np.max(apart / np.maximum(size, usual), initial=0.0))
        self.beyond: Array = np.any(~same & (~finite | (apart > allowed)), axis=1)
        excess = apart / np.maximum(allowed, np.finfo(np.float64).tiny)
        self.excess = float(np.max(excess, initial=0.0))
        self.absolute = float(relative * usual[np.argmax(excess) % len(usual)]) if excess.size else 0.0
        scores = one.scores and bool(finite.all())
        self.best_agree = reference.argmax(1) == got.argmax(1) if scores else None
        self.tied: Array = self._ties(reference, allowed) if scores else np.zeros((len(reference), 0), bool)

    @staticmethod
    def _ties(reference: Array, allowed: Array) -> Array:
        """Columns that are the best, or may change places with it within the tolerance."""
        best = reference.argmax(1)[:, np.newaxis]
        behind = np.take_along_axis(reference, best, 1) - reference
        tied: Array = behind <= allowed + np.take_along_axis(allowed, best, 1)
        return tied


def usual_sizes(calls: Sequence[Compared]) -> dict[int, Array]:
    """By the width of tables, the usual size of each column: the median of the magnitudes in it that aren't zero.

    The median isn't moved by one huge row. Rows of probabilities are of one kind, so that the row's usual size, the
    median of its root mean squares, counts for a column that has less.
    """
    tables: dict[int, list[Array]] = {}
    for one in calls:
        tables.setdefault(one.width, []).append(_tame(one.reference).reshape(-1, one.width))
    return {width: _columns_sizes(np.concatenate(parts)) for width, parts in tables.items()}


def _columns_sizes(table: Array) -> Array:
    with np.errstate(over="ignore"):
        row = _median(np.sqrt(np.mean(np.square(table), axis=1, keepdims=True)))[0] if table.size else 0.0
    sizes = _median(np.abs(table))
    if _are_probabilities(table):
        least = row
    elif len(table) < _KNOWN_VALUES or table.shape[1] > _NARROW:
        least = _LEAST_SHARE * row
    else:
        least = np.where(np.count_nonzero(table, axis=0) < _KNOWN_VALUES, _ZERO_SHARE * row, 0.0)
    sizes = np.maximum(sizes, least)
    return np.where(sizes > 0, sizes, 1.0)


def _median(columns: Array) -> Array:
    """The lower median of each column's finite values above 0; 0 where there is none.

    What is 45 orders below the column's greatest, as the far end of an exponential, is 0 in single precision.
    """
    finite = np.isfinite(columns)
    least = np.max(np.where(finite, columns, 0.0), axis=0, initial=0.0) * _LEAST_OF_GREATEST
    there = finite & (columns > least)
    ordered = np.sort(np.vstack([np.where(there, columns, np.inf), np.full(columns.shape[1], np.inf)]), axis=0)
    middle = np.maximum(0, there.sum(axis=0) - 1) // 2
    median = np.take_along_axis(ordered, middle[np.newaxis], 0)[0]
    return np.where(np.isfinite(median), median, 0.0)


def _are_probabilities(table: Array) -> bool:
    """Whether all rows lie between 0 and 1 and sum to 1; a lone column doesn't."""
    within = bool(((table >= -1e-6) & (table <= 1 + 1e-6)).all())
    return table.shape[1] > 1 and within and bool((np.abs(table.sum(axis=1) - 1) < 1e-2).all())


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

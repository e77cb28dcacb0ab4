"""The usual size of an output's values, which says how far one near zero may be off (ADR 52)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from aimass.sandbox.tasks.compared import Array, Compared, doubles

#: Below so many values a column's own size isn't known, and beside more columns rounding depends on the whole row: it
#: counts as at least a share of its row. So it does, with a smaller one, where it is zero but for a few rows.
_KNOWN_VALUES, _NARROW, _LEAST_SHARE, _ZERO_SHARE = 16, 16, 0.1, 1e-3
_LEAST_OF_GREATEST = 1e-45
_FAR_MORE = 10.0  # noise alone makes the sizes of a few values vary by less


class UsualSizes:
    """Of the columns of an output over all calls: the median of the magnitudes in each that aren't zero.

    Columns are the last dimension's. Of three dimensions and more they are the second's, as a picture's channels are,
    where the sizes along that one vary far more.
    """

    def __init__(self, calls: Sequence[Compared]) -> None:
        self._last = _sizes(calls, -1)
        first = _sizes([one for one in calls if len(one.shape) > 1], 0)
        self._first = first if _spread(first) > _FAR_MORE * _spread(self._last) else {}

    def of(self, one: Compared) -> Array:
        """A size for each value of a line."""
        count = one.reference.shape[1]
        if len(one.shape) > 1 and one.shape[0] in self._first:
            return np.repeat(self._first[one.shape[0]], count // one.shape[0])
        return np.tile(self._last[_width(one, -1)], count // _width(one, -1))


def _sizes(calls: Sequence[Compared], axis: int) -> Mapping[int, Array]:
    """By how many columns there are along an axis of a line."""
    tables: dict[int, list[Array]] = {}
    for one in calls:
        tables.setdefault(_width(one, axis), []).append(_by_column(one, axis))
    return {width: _columns_sizes(np.concatenate(parts)) for width, parts in tables.items()}


def _width(one: Compared, axis: int) -> int:
    return one.shape[axis]


def _by_column(one: Compared, axis: int) -> Array:
    width = _width(one, axis)
    table = np.nan_to_num(doubles(one.reference), nan=0.0, posinf=0.0, neginf=0.0)
    if axis == 0:
        table = table.reshape(len(table), width, -1).swapaxes(1, 2)
    return table.reshape(-1, width)


def _spread(sizes: Mapping[int, Array]) -> float:
    with np.errstate(over="ignore"):
        return max((float(one.max() / one.min()) for one in sizes.values() if one.size), default=1.0)


def _columns_sizes(table: Array) -> Array:
    """Rows of probabilities are of one kind: the row's usual size, the median of its root mean squares, is the least.

    The median isn't moved by one huge row.
    """
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

"""Whether answers of two models are the same within a tolerance (ADR 52)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aimass.domain.conversion import Difference
from aimass.domain.datatypes import datatype_of
from aimass.sandbox.tasks.compared import Array, Compared
from aimass.sandbox.tasks.numbers import Numbers
from aimass.sandbox.tasks.usual_size import UsualSizes

#: By the coarser type of the two: how far a value may be off, of itself and of its output's usual size.
TOLERANCES = {2: 1e-2, 4: 1e-4, 8: 1e-6}
BFLOAT16 = 5e-2
_WIDTHS = {"float16": 2, "double": 8, "float": 4}


@dataclass(frozen=True)
class Judged:
    """An output's difference, and by call what was compared, the rows beyond the tolerance and the columns that tie.

    `excess` is how often the tolerance goes into the difference of each row. `tied` has a line for each row, True for
    the best column and those that tie with it. `misfit` says why answers could not be compared, if so.
    """

    difference: Difference
    beyond: Sequence[Array]
    excess: Sequence[Array]
    tied: Sequence[Array]
    calls: Sequence[Compared]
    misfit: str | None = None


def judge(name: str, kind: str, calls: Sequence[Compared], left_out: Sequence[Array | None] = ()) -> Judged:
    """Judges one output of the runtime's type `kind` over all calls, but for rows that are left out of them."""
    masks = [*left_out, *[None] * (len(calls) - len(left_out))]
    kept = [one if mask is None else one.without(mask) for one, mask in zip(calls, masks, strict=True)]
    judged = _judged(name, kind, kept)
    if not any(mask is not None and mask.any() for mask in masks):
        return judged
    beyond, excess, tied = (
        [_spread(rows, mask) for rows, mask in zip(tables, masks, strict=True)]
        for tables in (judged.beyond, judged.excess, judged.tied)
    )
    return replace(judged, beyond=beyond, excess=excess, tied=tied, calls=calls)


def _spread(rows: Array, left_out: Array | None) -> Array:
    """Lines for all rows again: nothing in those that were left out."""
    if left_out is None or len(rows) != len(left_out) - int(left_out.sum()):
        return rows
    every = np.zeros((len(left_out), *rows.shape[1:]), rows.dtype)
    every[~left_out] = rows
    return every


def _judged(name: str, kind: str, calls: Sequence[Compared]) -> Judged:
    fitting = [one for one in calls if one.misfit is None]
    misfit = next((one.misfit for one in calls if one.misfit), None)
    if fitting and all(one.labels for one in fitting):
        beyond = [_unequal(one) if one.misfit is None else _all_rows(one) for one in calls]
        difference = Difference(name, datatype_of(kind), None, None, _share(beyond), 0.0, 0.0, not _any(beyond))
        untied = [np.zeros((len(rows), 0), bool) for rows in beyond]
        return Judged(difference, beyond, [_infinite(rows) for rows in beyond], untied, calls, misfit)
    return replace(_judged_numbers(name, kind, calls, fitting), misfit=misfit)


def _judged_numbers(name: str, kind: str, calls: Sequence[Compared], fitting: Sequence[Compared]) -> Judged:
    relative = max((_tolerance(kind, one.reference.dtype) for one in fitting), default=0.0)
    sizes = UsualSizes(fitting)
    measured = [Numbers(one, sizes.of(one), relative) if one.misfit is None else None for one in calls]
    beyond = [numbers.beyond if numbers else _all_rows(one) for one, numbers in zip(calls, measured, strict=True)]
    excess = [numbers.excess if numbers else _infinite(rows) for rows, numbers in zip(beyond, measured, strict=True)]
    tied = [numbers.tied if numbers else np.zeros((0, 0), bool) for numbers in measured]
    there = [numbers for numbers in measured if numbers]
    return Judged(_difference(name, kind, relative, there, within=not _any(beyond)), beyond, excess, tied, calls)


def _difference(name: str, kind: str, relative: float, numbers: Sequence[Numbers], *, within: bool) -> Difference:
    scores = [one.best_agree for one in numbers if one.best_agree is not None]
    worst = max(numbers, key=lambda one: one.worst, default=None)
    return Difference(
        output=name,
        datatype=datatype_of(kind),
        largest_absolute=max((one.largest for one in numbers), default=None),
        largest_relative=max((one.largest_relative for one in numbers), default=None),
        agreement=float(np.concatenate(scores).mean()) if scores and sum(map(len, scores)) else None,
        absolute=worst.absolute if worst else 0.0,
        relative=relative,
        within=within,
    )


def _tolerance(kind: str, dtype: np.dtype[Any]) -> float:
    """That of the coarser one: the runtime's type `kind`, which may be a map of floats, and the original's."""
    if "bfloat16" in kind:
        return BFLOAT16
    width = next((width for word, width in _WIDTHS.items() if word in kind), 8)
    return TOLERANCES[min(width, dtype.itemsize if dtype.kind == "f" else 8)]


def _unequal(one: Compared) -> Array:
    unequal: Array = np.any(one.reference.astype(object) != one.got.astype(object), axis=1)
    return unequal


def _all_rows(one: Compared) -> Array:
    return np.ones(max(1, len(one.got) if one.got.ndim else 1), bool)


def _infinite(beyond: Array) -> Array:
    return np.where(beyond, np.inf, 0.0)


def _share(beyond: Sequence[Array]) -> float:
    rows = np.concatenate([*beyond, np.zeros(0, bool)])
    return 1.0 - float(rows.mean()) if rows.size else 1.0


def _any(beyond: Sequence[Array]) -> bool:
    return any(bool(rows.any()) for rows in beyond)

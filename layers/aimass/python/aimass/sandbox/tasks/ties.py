"""Labels that differ where the original itself could have gone either way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from aimass.formats.member import shown
from aimass.sandbox.tasks.compared import Array, Compared
from aimass.sandbox.tasks.judge import Judged

_MOST_SHARE = 0.05  # of the rows; beyond that the scores say nothing and the labels are on their own


def forgiving(judged: Mapping[str, Judged]) -> tuple[dict[str, Judged], list[str]]:
    """A label isn't held against a row where the class that it names ties with the best; a note says how many.

    Which column of scores a label names is learnt from the rows where none ties. Up to 5 % of the rows are forgiven.
    """
    notes: list[str] = []
    return {name: _forgiven(name, one, judged, notes) for name, one in judged.items()}, notes


def _forgiven(name: str, one: Judged, judged: Mapping[str, Judged], notes: list[str]) -> Judged:
    if one.difference.within or one.difference.largest_absolute is not None:
        return one
    left = [beyond.copy() for beyond in one.beyond]
    for scores in judged.values():
        columns = _columns_of_labels(one, scores)
        for index in range(len(left)) if columns else ():
            left[index] &= ~_excused(one.calls[index], scores.tied[index], columns)
    rows = sum(len(beyond) for beyond in one.beyond)
    count = sum(int(beyond.sum()) for beyond in one.beyond) - sum(int(beyond.sum()) for beyond in left)
    if not count:
        return one
    told = f"{shown(name)}: {count} rows have another label, where the two best scores of the original tie"
    if count > max(1, _MOST_SHARE * rows):
        notes.append(f"{told}; more than {_MOST_SHARE:.0%} of {rows} are not forgiven")
        return one
    notes.append(told)
    within = one.misfit is None and not any(bool(beyond.any()) for beyond in left)
    return replace(one, beyond=left, difference=replace(one.difference, within=within))


def _columns_of_labels(labels: Judged, scores: Judged) -> dict[Any, int]:
    """The column that is best wherever the original answers a label; empty if there is more than one."""
    found: dict[Any, int] = {}
    for label, column in _untied(labels, scores):
        if found.setdefault(label, column) != column:
            return {}
    return found


def _untied(labels: Judged, scores: Judged) -> Iterator[tuple[Any, int]]:
    for call, tied in zip(labels.calls, scores.tied, strict=True):
        if _fit(call, tied):
            clear = np.flatnonzero(tied.sum(axis=1) == 1)
            yield from zip(call.reference[clear, 0].tolist(), tied[clear].argmax(axis=1).tolist(), strict=True)


def _excused(call: Compared, tied: Array, columns: Mapping[Any, int]) -> Array:
    """Rows whose label in the ONNX model is of a class that ties with the best, as the original's own is."""
    if not _fit(call, tied):
        return np.zeros(1, bool)
    sides = zip(call.reference[:, 0].tolist(), call.got[:, 0].tolist(), tied, strict=True)
    return np.array([all(label in columns and row[columns[label]] for label in pair) for *pair, row in sides], bool)


def _fit(call: Compared, tied: Array) -> bool:
    """Whether there is one label for each row of scores."""
    return call.misfit is None and call.reference.shape == (len(tied), 1) and tied.shape[1] > 1

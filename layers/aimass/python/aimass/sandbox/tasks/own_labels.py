"""Classifiers whose labels are not those of the highest probability, such as SVC(probability=True)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from aimass.formats.member import shown
from aimass.sandbox.tasks.calls import Call
from aimass.sandbox.tasks.compared import Array

_SUM_TOLERANCE = 1e-3


def label_notes(calls: Sequence[Call]) -> Iterator[str]:
    """One note where the original labels rows otherwise than by the highest of its probabilities.

    Which label a column is of is told by most rows in which that column is the highest.
    """
    counts: dict[int, Counter[str]] = {}
    names = ("", "")
    for call in calls:
        if pair := _pair(call.original):
            names = pair
            for best, label in _rows(call.original[pair[0]], call.original[pair[1]]):
                counts.setdefault(best, Counter())[label] += 1
    rows = sum(count.total() for count in counts.values())
    odd = sum(count.total() - max(count.values()) for count in counts.values())
    if odd:
        label, scores = map(shown, names)
        yield (
            f"{label} is not the class of the highest value in {scores} in {odd} of {rows} rows: the model decides"
            " otherwise than by these; answers name its own label first"
        )


def _pair(answers: Mapping[str, Any]) -> tuple[str, str] | None:
    """The one output of labels, and the one matrix."""
    labels = [name for name, one in answers.items() if _is(one, "iuUSO", 1)]
    scores = [name for name, one in answers.items() if _is(one, "f", 2) and one.shape[1] > 1]
    return (labels[0], scores[0]) if len(labels) == len(scores) == 1 and len(answers) == 2 else None


def _is(one: Any, kinds: str, dimensions: int) -> bool:
    return isinstance(one, np.ndarray) and one.dtype.kind in kinds and one.ndim == dimensions


def _rows(labels: Array, scores: Array) -> Iterator[tuple[int, str]]:
    """The highest column and the label of each row of probabilities that has one highest."""
    if len(labels) != len(scores):
        return
    ordered = np.sort(scores, axis=1)
    sound = (ordered[:, 0] >= 0) & (np.abs(scores.sum(1) - 1) <= _SUM_TOLERANCE) & (ordered[:, -1] > ordered[:, -2])
    for at in np.flatnonzero(sound):
        yield int(scores[at].argmax()), str(labels[at])

"""What F1 and AUC may lose by rows that were not seen: means over classes hang on the rows of the rarest (ADR 61)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aimass.compression.data.labels import Labels
from aimass.compression.statistics import Loss, rows_unseen

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Classes:
    """How many rows have each class. `several`: classes are columns, of which a row may have many."""

    names: Array
    counts: Array
    rows: int
    several: bool = False

    @property
    def rarest(self) -> int:
        return int(np.argmin(self.counts))


def classes_in(labels: Labels, *, several: bool) -> Classes:
    """Those that any row has."""
    values = labels.values
    if several:
        counts = (values > 0).reshape(len(values), -1, values.shape[-1]).any(axis=1).sum(axis=0)
        there = np.flatnonzero(counts)
        return Classes(there, counts[there], len(values), several)
    counted = values.ndim == 1 or values.dtype.kind == "U"
    distinct = [one for one in np.unique(values) if counted or one >= 0]
    if values.ndim == 1:
        return Classes(*np.unique(values, return_counts=True), len(values))
    flat = values.reshape(len(values), -1)
    return Classes(np.array(distinct), np.array([(flat == one).any(axis=1).sum() for one in distinct]), len(values))


def cost_of_a_row(metric: str, classes: Classes) -> float:
    """How much of F1 or AUC one row more that is lost costs at most; 1 where that can't be told.

    F1: a row of the rarest class is missed, and takes its share from another's precision. AUC: it falls below all
    others, and rises above them in the columns of other classes.
    """
    counts, rows, count = classes.counts, classes.rows, len(classes.counts)
    if not count or (metric == "auc" and (counts == rows).all()):
        return 1.0
    others = np.maximum(rows - counts, 1)
    if classes.several:
        return float((1 / (counts if metric == "f1" else np.minimum(counts, others))).mean())
    if metric == "f1":
        return float(1 / (count * counts.min()))
    if count == 2:
        return float(1 / counts.min())
    return float((1 / counts.min() + (count - 1) / others.min()) / count)


def with_unseen(loss: Loss, metric: str, labels: Labels, *, several: bool) -> Loss:
    """The bound, and what may be lost by rows of the rarest class that were not seen."""
    cost = cost_of_a_row(metric, classes_in(labels, several=several))
    return replace(loss, upper=loss.upper + min(1.0, rows_unseen(loss.confidence) * cost))

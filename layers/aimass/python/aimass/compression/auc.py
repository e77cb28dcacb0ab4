"""The area under the ROC curve of any resample of rows, for the price of counting."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aimass.compression.reading import misfit

Array = np.ndarray[Any, Any]

MOST_CLASSES = 100


def auc_of(scores: Array, labels: Array, several: bool = False) -> Callable[[Array], float]:
    """A function of row numbers. `scores` is [rows, …, classes], or one column for the second of two classes.

    Of more classes than two the mean of each against the rest; `several`: labels are 0 or 1 for each column. A class
    that a resample has not, or has alone, does not count; NaN where none does. Raises InvalidArguments where columns
    and labels don't fit.
    """
    columns = _columns(scores, labels, several)

    def area(rows: Array) -> float:
        drawn = np.bincount(rows, minlength=len(scores)).astype(np.float64)
        areas = [one(drawn) for one in columns]
        known = [one for one in areas if not math.isnan(one)]
        return sum(known) / len(known) if known else math.nan

    return area


def _columns(scores: Array, labels: Array, several: bool) -> Sequence[Callable[[Array], float]]:
    count = scores.shape[-1]
    if count > MOST_CLASSES:
        raise misfit(f"AUC is measured for {MOST_CLASSES} classes at most, the model has {count}")
    if several:
        return [_ranked(scores[..., at], labels[..., at] > 0, labels[..., at] >= 0) for at in range(count)]
    if scores.shape[:-1] != labels.shape:
        raise misfit(f"scores of shape {list(scores.shape)}, labels of shape {list(labels.shape)}")
    classes = _classes(labels, count)
    counted = np.ones(labels.shape, bool) if labels.dtype.kind == "U" or labels.ndim == 1 else labels >= 0
    if len(classes) == 2:
        return [_ranked(scores[..., -1], labels == classes[1], counted)]
    return [_ranked(scores[..., at], labels == one, counted) for at, one in enumerate(classes)]


def _classes(labels: Array, count: int) -> list[Any]:
    """What each column stands for: its number, else the labels that there are, in order, as scikit-learn has them."""
    distinct: list[Any] = np.unique(labels).tolist()
    wanted = max(count, 2)
    if all(isinstance(one, int) and one < wanted for one in distinct):
        return list(range(wanted))
    if len(distinct) != wanted:
        raise misfit(f"{count} columns of scores and {len(distinct)} classes in the labels")
    return distinct


def _ranked(scores: Array, positive: Array, counted: Array) -> Callable[[Array], float]:
    """Sorted once: the function is given how often each row is drawn."""
    rows = np.broadcast_to(np.arange(len(scores)).reshape(-1, *[1] * (scores.ndim - 1)), scores.shape)[counted]
    order = np.argsort(scores[counted], kind="stable")
    rows, values, right = rows[order], scores[counted][order], positive[counted][order]
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]]) if len(values) else np.zeros(0, np.int64)

    def area(drawn: Array) -> float:
        if not len(rows):
            return math.nan
        times = drawn[rows]
        ups = times * right
        downs = times - ups
        if len(starts) < len(rows):
            ups, downs = np.add.reduceat(ups, starts), np.add.reduceat(downs, starts)
        pairs = ups.sum() * downs.sum()
        below = np.cumsum(downs) - downs / 2  # equal scores count half
        return float((ups * below).sum() / pairs) if pairs else math.nan

    return area

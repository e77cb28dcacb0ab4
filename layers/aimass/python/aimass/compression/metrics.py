"""How good a model is on labelled rows, and how much worse or different another is (ADR 61, 64)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aimass.compression.answers import Outputs, classes_beside, classes_of, numbers_of, scores_of, settled
from aimass.compression.auc import auc_of
from aimass.compression.data.labels import Labels
from aimass.compression.divergence import divergence_of, unusable
from aimass.compression.reading import Reading, as_classifier, misfit
from aimass.compression.statistics import Loss, disagreement, mean_at_most, resampled_loss, shares_loss
from aimass.compression.unseen import with_unseen

Array = np.ndarray[Any, Any]
#: Of outputs and labels: a function of row numbers.
_Measured = Callable[[Outputs, Labels], Callable[[Array], float]]


@dataclass(frozen=True)
class Metric:
    """`value` is of one model on labelled rows; None where only two models can be compared.

    `loss` is of the candidate beside the original, in the metric's own terms: points lost, the share of rows that are
    answered otherwise, the divergence. It is infinite where the candidate's answers are no numbers, or not as many.
    """

    name: str
    value: Callable[[Outputs, Labels], float] | None
    loss: Callable[[Outputs, Outputs, Labels | None, float], Loss]


def metric_of(name: str, reading: Reading, original: Outputs) -> Metric:
    """The metric of that name. `original` is what the original answers: it settles how one column is read.

    Raises KeyError for an unknown name.
    """
    how = settled(reading, original)
    if name == "agreement":
        how = as_classifier(how)
        return _guarded(Metric(name, None, lambda first, second, labels, sure: _agreement(how, first, second, sure)))
    if name == "divergence":
        return _guarded(Metric(name, None, lambda first, second, labels, sure: _divergence(first, second, sure)))
    if name == "accuracy":
        return _guarded(Metric(name, lambda one, labels: _accuracy(how, one, labels), _accuracy_loss(how)))
    if name == "f1":
        return _guarded(_by_class(how, _resampled(name, _f1(how))))
    if name == "auc":
        return _guarded(_by_class(how, _resampled(name, _auc(how))))
    return _guarded(replace(_resampled(name, {"r2": _r2}[name](how)), loss=_r2_loss(how)))


def _resampled(name: str, measured: _Measured) -> Metric:
    def loss(original: Outputs, candidate: Outputs, labels: Labels | None, confidence: float) -> Loss:
        assert labels is not None, f"{name} wants labels"
        before, after = measured(original, labels), measured(candidate, labels)
        return resampled_loss(lambda rows: before(rows) - after(rows), len(labels), confidence)

    def value(outputs: Outputs, labels: Labels) -> float:
        return measured(outputs, labels)(np.arange(len(labels)))

    return Metric(name, value, loss)


def _guarded(metric: Metric) -> Metric:
    def loss(original: Outputs, candidate: Outputs, labels: Labels | None, confidence: float) -> Loss:
        if unusable(original, candidate):
            return Loss(math.inf, math.inf, math.inf, confidence, max(map(len, original.values())))
        return metric.loss(original, candidate, labels, confidence)

    return replace(metric, loss=loss)


def _right(reading: Reading, outputs: Outputs, labels: Labels) -> tuple[Array, Array]:
    """Of each row, how many of its answers count and how many of those are right. Several classes are one answer."""
    found, wanted = classes_beside(reading, outputs, labels)
    right = found == wanted
    if reading.kind == "several classes":
        right = right.all(axis=-1)
        return np.ones(right.shape[0]), right.astype(np.float64)
    if right.ndim == 1:
        return np.ones(len(right)), right.astype(np.float64)
    counted = (wanted >= 0).reshape(len(wanted), -1)  # a token without a class has a negative one
    return counted.sum(axis=1), (right.reshape(len(wanted), -1) & counted).sum(axis=1)


def _accuracy(reading: Reading, outputs: Outputs, labels: Labels) -> float:
    counted, right = _right(reading, outputs, labels)
    return float(right.sum() / counted.sum()) if counted.sum() else math.nan


def _accuracy_loss(reading: Reading) -> Callable[[Outputs, Outputs, Labels | None, float], Loss]:
    def loss(original: Outputs, candidate: Outputs, labels: Labels | None, confidence: float) -> Loss:
        assert labels is not None, "accuracy wants labels"
        counted, before = _right(reading, original, labels)
        _, after = _right(reading, candidate, labels)
        if (counted == 1).all():
            lost, won = int(((before == 1) & (after == 0)).sum()), int(((before == 0) & (after == 1)).sum())
            return shares_loss(lost, won, len(labels), confidence)
        return _share_of_answers(before - after, counted, confidence)

    return loss


def _agreement(reading: Reading, original: Outputs, candidate: Outputs, confidence: float) -> Loss:
    scores = scores_of(reading, original) if reading.kind == "columns" else None
    if scores is not None and (scores.ndim < 2 or scores.shape[-1] == 1):
        raise misfit("agreement is of classes, and the model answers with one number")
    differ = classes_of(reading, original) != classes_of(reading, candidate)
    if reading.kind == "several classes":
        differ = differ.any(axis=-1)
    if differ.ndim == 1:
        return disagreement(int(differ.sum()), len(differ), confidence)
    tokens = differ.reshape(len(differ), -1)
    return _share_of_answers(tokens.sum(axis=1), np.full(len(tokens), tokens.shape[1]), confidence)


def _share_of_answers(lost: Array, counted: Array, confidence: float) -> Loss:
    """A share of answers of which a row has several, that depend on each other: rows count, not answers."""
    if not counted.sum():
        return Loss(math.nan, math.inf, -math.inf, confidence, len(counted))

    def share(rows: Array) -> float:
        count = counted[rows].sum()
        return float(lost[rows].sum() / count) if count else math.nan

    return _bounded(resampled_loss(share, len(counted), confidence), lost / counted.mean())


def _bounded(loss: Loss, rows: Array) -> Loss:
    """Never a bound by resampling alone: no resample shows a row of which there is none. `rows` is what each loses."""
    return replace(loss, upper=max(loss.upper, mean_at_most(rows, loss.confidence)))


def _divergence(original: Outputs, candidate: Outputs, confidence: float) -> Loss:
    rows = divergence_of(original, candidate)
    return _bounded(resampled_loss(lambda some: float(rows[some].mean()), len(rows), confidence), rows)


def _by_class(reading: Reading, metric: Metric) -> Metric:
    """With what rows of the rarest class may lose though none of them did."""

    def loss(original: Outputs, candidate: Outputs, labels: Labels | None, confidence: float) -> Loss:
        assert labels is not None, f"{metric.name} wants labels"
        found = metric.loss(original, candidate, labels, confidence)
        return with_unseen(found, metric.name, labels, several=reading.kind == "several classes")

    return replace(metric, loss=loss)


def _f1(reading: Reading) -> _Measured:
    """The mean over classes; a class that neither rows nor answers have does not count."""

    def measured(outputs: Outputs, labels: Labels) -> Callable[[Array], float]:
        found, wanted = classes_beside(reading, outputs, labels)
        if reading.kind == "several classes":
            return lambda rows: _mean_f1(*_of_columns(wanted[rows], found[rows]))
        classes, numbers = np.unique(np.concatenate([wanted.reshape(-1), found.reshape(-1)]), return_inverse=True)
        numbers = numbers.reshape(2, *wanted.shape)
        counted = wanted >= 0 if wanted.dtype.kind == "i" and wanted.ndim > 1 else np.ones(wanted.shape, bool)

        def f1(rows: Array) -> float:
            some, keep = numbers[:, rows], counted[rows]
            first, second = some[0][keep], some[1][keep]
            both = np.bincount(first[first == second], minlength=len(classes))
            all_counts = [np.bincount(one, minlength=len(classes)) for one in (first, second)]
            return _mean_f1(both, all_counts[0] + all_counts[1])

        return f1

    return measured


def _of_columns(wanted: Array, found: Array) -> tuple[Array, Array]:
    return (wanted & found).sum(axis=0), wanted.sum(axis=0) + found.sum(axis=0)


def _mean_f1(both: Array, together: Array) -> float:
    there = together > 0
    return float((2 * both[there] / together[there]).mean()) if there.any() else math.nan


def _auc(reading: Reading) -> _Measured:
    def measured(outputs: Outputs, labels: Labels) -> Callable[[Array], float]:
        scores = scores_of(reading, outputs)
        if scores is None:
            raise misfit("AUC wants scores, and the model gives labels alone")
        return auc_of(scores, labels.values, several=reading.kind == "several classes")

    return measured


def _r2(reading: Reading) -> _Measured:
    """Of the rows' own mean; of several numbers a row, all together."""

    def measured(outputs: Outputs, labels: Labels) -> Callable[[Array], float]:
        error, wanted = _squares(reading, outputs, labels), labels.values.astype(np.float64)

        def r2(rows: Array) -> float:
            spread = _spread(wanted[rows])
            return 1 - float(error[rows].sum()) / spread if spread > 0 else math.nan

        return r2

    return measured


def _r2_loss(reading: Reading) -> Callable[[Outputs, Outputs, Labels | None, float], Loss]:
    """What a row loses is what its squared error grows by, as a share of the mean square that labels spread by."""
    resampled = _resampled("r2", _r2(reading))

    def loss(original: Outputs, candidate: Outputs, labels: Labels | None, confidence: float) -> Loss:
        assert labels is not None, "r2 wants labels"
        found = resampled.loss(original, candidate, labels, confidence)
        if not math.isfinite(found.estimate):
            return found
        grown = _squares(reading, candidate, labels) - _squares(reading, original, labels)
        return _bounded(found, grown * len(labels) / _spread(labels.values.astype(np.float64)))

    return loss


def _squares(reading: Reading, outputs: Outputs, labels: Labels) -> Array:
    found, wanted = numbers_of(reading, outputs), labels.values.astype(np.float64)
    if found.shape != wanted.shape:
        raise misfit(f"the model answers {list(found.shape)}, and the labels are {list(wanted.shape)}")
    squares: Array = ((found - wanted) ** 2).reshape(len(wanted), -1).sum(axis=1)
    return squares


def _spread(wanted: Array) -> float:
    return float(((wanted - wanted.mean(axis=0)) ** 2).sum())

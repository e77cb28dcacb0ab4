"""What a candidate answers beside the original, on the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aimass.compression.answers import Outputs
from aimass.compression.contract import NotApplicable, Rows
from aimass.compression.data.labels import Labels
from aimass.compression.divergence import unusable
from aimass.compression.metrics import Metric, metric_of
from aimass.compression.model_file import answers, open_session, refused
from aimass.compression.reading import Reading
from aimass.compression.result import loss_to_json
from aimass.compression.statistics import Loss

#: Of answers that are held at once; measures take them as FP64, and two models' are compared.
MOST_BYTES = 128 << 20
# Their intervals are drawn from thousands of samples, so they are told where the budget is about them.
_COSTLY = ("f1", "auc")


@dataclass(frozen=True)
class Judge:
    """The original's answers to rows, against which candidates are held. `labels` are the rows' own, if any."""

    rows: Rows
    labels: Labels | None
    reading: Reading
    original: Outputs

    def metric(self, name: str) -> Metric:
        return metric_of(name, self.reading, self.original)

    def loss(self, name: str, candidate: Path, confidence: float) -> Loss:
        """Raises NotApplicable where the candidate does not answer, or the metric can't be measured."""
        found = outputs_of(candidate, self.rows)
        with refused(f"{name} cannot be measured"):
            return self.metric(name).loss(self.original, found, self.labels, confidence)

    def measures(self, candidate: Outputs, budgeted: str, confidence: float) -> dict[str, Any]:
        """By metric: what both models reach, where that can be told of one alone, and what is lost, with its bounds.

        A metric other than the budget's that can't be measured is left out.
        """
        found = {}
        for name in dict.fromkeys((budgeted, *self._names())):
            try:
                with refused(f"{name} cannot be measured"):
                    found[name] = self._measure(
                        name, candidate, confidence, told=name == budgeted or name not in _COSTLY
                    )
            except NotApplicable:
                if name == budgeted:
                    raise
        return found

    def _names(self) -> list[str]:
        kind = self.labels.kind if self.labels is not None else ""
        scores = ["accuracy", "f1", "auc"] if kind == "classes" else ["r2"] if kind == "numbers" else []
        return [*scores, *(["agreement"] if self.reading.classifies else []), "divergence"]

    def _measure(self, name: str, candidate: Outputs, confidence: float, *, told: bool) -> dict[str, Any]:
        metric = self.metric(name)
        loss = metric.loss(self.original, candidate, self.labels, confidence) if told else None
        values: tuple[float | None, ...] = (None, None)
        if metric.value is not None and self.labels is not None:
            broken = unusable(self.original, candidate)
            values = metric.value(self.original, self.labels), None if broken else metric.value(candidate, self.labels)
        return {"original": values[0], "candidate": values[1], "loss": loss and loss_to_json(loss)}


def judge(original: Path, rows: Rows, labels: Labels | None, reading: Reading) -> Judge:
    """With as many of the rows as have answers of `MOST_BYTES`."""
    count = comparable(original, rows)
    if not count:
        raise NotApplicable("there is no row to compare on")
    some = Rows({name: array[:count] for name, array in rows.inputs.items()}, rows.batch, rows.whole)
    return Judge(some, None if labels is None else labels.take(slice(0, count)), reading, outputs_of(original, some))


def unanswered(original: Path, rows: Rows) -> tuple[int, int, str] | None:
    """The first and last number of the rows that the model does not answer, and why; None where it answers all.

    A call that fails is asked row by row, if the model takes rows one by one.
    """
    session, at = open_session(original), 0
    for call in rows.feeds():
        size = 1 if rows.whole else min(rows.batch, len(rows) - at)
        if why := _failure(session, call):
            numbers = range(size) if size > 1 else ()
            reasons = [_failure(session, {name: a[one : one + 1] for name, a in call.items()}) for one in numbers]
            if all(reasons) or not any(reasons):
                return at, at + size - 1, why
            return next((at + one, at + one, reason) for one, reason in enumerate(reasons) if reason)
        at += size
    return None


def _failure(session: Any, call: Mapping[str, Any]) -> str:
    try:
        answers(session, [call])
    except NotApplicable as error:
        return str(error)
    return ""


def outputs_of(path: Path, rows: Rows) -> Outputs:
    """What a model answers to rows, all calls put together. Raises NotApplicable where it fails."""
    session = open_session(path)
    calls = answers(session, rows.feeds())
    names = [output.name for output in session.get_outputs()]
    with refused("its answers to several calls do not fit together"):
        return {name: _joined([call[at] for call in calls], rows.whole) for at, name in enumerate(names)}


def comparable(original: Path, rows: Rows) -> int:
    """How many of the rows, in whole calls, a candidate is held against. Raises NotApplicable where the model fails."""
    first = rows.feeds(rows.batch)
    if not first:
        return 0
    call = answers(open_session(original), first[:1])[0]
    held = sum(value.nbytes for value in call if isinstance(value, np.ndarray))
    calls = max(1, MOST_BYTES // max(1, held))
    return min(len(rows), calls * (1 if rows.whole else rows.batch))


def _joined(parts: Sequence[Any], whole: bool) -> Any:
    if isinstance(parts[0], list | Mapping):
        return [row for part in parts for row in part]
    return np.stack(parts) if whole or any(part.ndim == 0 for part in parts) else np.concatenate(parts)

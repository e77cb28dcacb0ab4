"""What a model reaches on test rows, and loses beside the original: the same for the platform and for its rivals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from aimass.compression.contract import NotApplicable, Rows
from aimass.compression.evaluate import Judge, judge, outputs_of
from aimass.compression.measure import Cost, beside, speed
from aimass.compression.model_file import answers, file_bytes, open_session
from aimass.compression.pack import packed_size
from aimass.compression.statistics import Loss, shares_loss
from benchmarks.compression.catalogue import Metric
from benchmarks.compression.goals import Figures
from benchmarks.compression.rows import data_in, reading_by

Array = np.ndarray[Any, Any]
CONFIDENCE = 0.95
_CALLS = 7  # an odd number: each is met by both models in both orders
_SECONDS = 6.0


@dataclass(frozen=True)
class Score:
    """`cost` beside `original_cost`, measured in turn. `failed` says why a model could not be measured."""

    value: float
    loss: Loss
    figures: Figures
    size: int
    packed: int
    cost: Cost
    original_cost: Cost


class Scorer:
    """The original and the rows that judge; `seconds` are those of measuring a model's speed."""

    def __init__(self, original: Path, test: Path, metric: Metric, scratch: Path, seconds: float = _SECONDS) -> None:
        self._original = original
        self._metric = metric
        self._scratch = scratch
        self._seconds = seconds
        data = data_in(test, original)
        self._rows = Rows(data.inputs, whole=data.whole)
        self._labels, self._reading = data.labels, reading_by(original, data)
        with np.load(test, allow_pickle=False) as arrays:
            self._texts = arrays["labels"] if metric == "words" else None

    @cached_property
    def original_value(self) -> float:
        if self._texts is not None:
            return float(self._read_right(self._original).mean())
        return self._value(self._judge.original)

    def score(self, candidate: Path) -> Score:
        """Raises NotApplicable where the candidate does not answer."""
        value, loss, equal = self._compared(candidate)
        original, cost = beside(self._original, candidate, self._calls(), self._seconds)
        whole, size = file_bytes(self._original), file_bytes(candidate)
        packed = packed_size(candidate, self._scratch)
        figures = Figures(whole / size, whole / packed, speed(original, cost), loss.estimate, equal)
        return Score(value, loss, figures, size, packed, cost, original)

    def _compared(self, candidate: Path) -> tuple[float, Loss, bool | None]:
        if self._texts is not None:
            before, after = self._read_right(self._original), self._read_right(candidate)
            lost, won = int((before & ~after).sum()), int((after & ~before).sum())
            return float(after.mean()), shares_loss(lost, won, len(before), CONFIDENCE), None
        found = outputs_of(candidate, self._rows)
        loss = self._judge.metric(self._metric).loss(self._judge.original, found, self._labels, CONFIDENCE)
        if not math.isfinite(loss.estimate):
            raise NotApplicable("its answers are no numbers, or not as many")
        return self._value(found), loss, _equal(self._judge.original, found)

    @cached_property
    def _judge(self) -> Judge:
        return judge(self._original, self._rows, self._labels, self._reading)

    def _value(self, outputs: Mapping[str, Any]) -> float:
        metric = self._judge.metric(self._metric)
        assert metric.value is not None and self._labels is not None  # noqa: PT018
        return metric.value(outputs, self._labels)

    def _calls(self) -> Sequence[Mapping[str, Any]]:
        """Of one row each."""
        return Rows(self._rows.inputs, 1, self._rows.whole).feeds(_CALLS)

    def _read_right(self, model: Path) -> Array:
        assert self._texts is not None
        session = open_session(model)
        characters = open_session(self._original).get_modelmeta().custom_metadata_map["character"].splitlines()
        found = [text for feed in self._rows.feeds() for text in texts_in(answers(session, [feed])[0][0], characters)]
        return np.array([one == wanted for one, wanted in zip(found, self._texts.tolist(), strict=True)])


def texts_in(scores: Array, characters: Sequence[str]) -> list[str]:
    """[rows, steps, characters + 2]: the best of each step, repeats once, without blanks (0); the last is a space."""
    texts = []
    for row in np.asarray(scores).argmax(-1):
        kept = [at for at, before in zip(row, [-1, *row[:-1]], strict=True) if at and at != before]
        texts.append("".join(characters[at - 1] if at <= len(characters) else " " for at in kept).strip())
    return texts


def _equal(original: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    return all(np.array_equal(np.asarray(original[name]), np.asarray(found[name])) for name in original)

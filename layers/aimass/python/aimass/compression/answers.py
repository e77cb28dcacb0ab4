"""What a model's outputs say of each row: a class, scores of classes, or numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from aimass.compression.data.labels import Labels
from aimass.compression.reading import Reading, misfit
from aimass.inference.described.scores import are_maps

Array = np.ndarray[Any, Any]
#: By output name, of all rows, the first dimension being the row; ZipMap's maps as a list.
Outputs = Mapping[str, Any]

_ROUNDING = 1e-3


def settled(reading: Reading, original: Outputs) -> Reading:
    """With what the original's own answers show: one column that leaves 0 to 1 is no probability."""
    if reading.kind != "one column" or reading.threshold == 0:
        return reading
    values = np.asarray(original[reading.output], np.float64)
    raw = bool(((values < -_ROUNDING) | (values > 1 + _ROUNDING)).any())
    return replace(reading, threshold=0.0) if raw else reading


def classes_of(reading: Reading, outputs: Outputs) -> Array:
    """The class of each row, [rows, …]: a number, or a text where the model answers in texts the version has no
    numbers for. Of several classes 0 or 1 each, [rows, classes].
    """
    value = outputs[reading.output]
    if reading.kind == "labels":
        return _numbered(np.asarray(value).reshape(len(value)), reading.names)
    scores = matrix_of(value)
    if reading.kind == "columns":
        return np.asarray(_without_ones(scores).argmax(axis=-1))
    above = np.asarray(scores >= reading.threshold, np.int64)
    return _squeezed(above) if reading.kind == "one column" else above


def classes_beside(reading: Reading, outputs: Outputs, labels: Labels) -> tuple[Array, Array]:
    """The class of each row and its label, of one shape and type. Raises InvalidArguments where they don't fit."""
    found, wanted = classes_of(reading, outputs), labels.values
    if found.shape != wanted.shape:
        raise misfit(f"the model answers {list(found.shape)}, and the labels are {list(wanted.shape)}")
    if found.dtype.kind != "U":
        return found, wanted
    return found, wanted if wanted.dtype.kind == "U" else wanted.astype(str)


def scores_of(reading: Reading, outputs: Outputs) -> Array | None:
    """Scores of classes, [rows, …, classes]; of one column the second class's, [rows, …, 1]. None: there are none."""
    if reading.kind == "labels":
        return matrix_of(outputs[reading.scores]) if reading.scores else None
    scores = matrix_of(outputs[reading.output])
    return _squeezed(scores)[..., np.newaxis] if reading.kind == "one column" else _without_ones(scores)


def numbers_of(reading: Reading, outputs: Outputs) -> Array:
    """The quantities, [rows, …]."""
    return _squeezed(matrix_of(outputs[reading.output]))


def matrix_of(value: Any) -> Array:
    """Numbers in FP64; maps of class scores as [rows, classes], in the order of the first row's keys."""
    if are_maps(value):
        keys = list(value[0])
        return np.array([[row.get(key, math.nan) for key in keys] for row in value], np.float64)
    return np.asarray(value).astype(np.float64)


def _numbered(labels: Array, names: Sequence[str]) -> Array:
    if labels.dtype.kind not in "OUS":
        return labels.astype(np.int64)
    texts = np.array([one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in labels])
    if not names:
        return texts
    numbers = {name: at for at, name in reversed(list(enumerate(names)))}
    return np.array([numbers.get(one, -1) for one in texts.tolist()], np.int64)


def _without_ones(scores: Array) -> Array:
    """[rows, classes] of [rows, classes, 1, 1]."""
    while scores.ndim > 2 and scores.shape[-1] == 1:
        scores = scores[..., 0]
    return scores


def _squeezed(values: Array) -> Array:
    return values.reshape([len(values), *(size for size in values.shape[1:] if size != 1)])

"""What a classifier's outputs mean: the label of each row, the probabilities behind it, the classes in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aimass.domain.model import TensorSpec
from aimass.inference.dataplane import Prediction, Value
from aimass.inference.described.scores import Scores, are_maps, described_scores, matrix_of_maps
from aimass.inference.described.tokens import TokenScores, token_scores
from aimass.inference.tensors import Array

_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Classification:
    """Labels, one a row, None for a row of NaN. `probabilities` is [rows, classes], in the order of `classes`; both
    None where unknown. Of a model that labels tokens, each row has a list of them, and `probabilities` is [rows,
    tokens, classes].
    """

    labels: list[Any]
    probabilities: Array | None
    classes: list[Any] | None


def classify(prediction: Prediction) -> Classification | None:
    """The classification that a prediction holds, or None.

    Either the version's description names the classes, and the label is the highest column's. Or the model gives labels
    and probabilities itself (scikit-learn's converters do, the probabilities as a matrix or as ZipMap's sequence of
    maps), or its version has labels, one for each column of its only output. Columns are probabilities where a
    described activation makes them so, or where they are: not negative, sum 1.
    """
    names = prediction.version.class_names
    outputs, own = prediction.outputs, prediction.version.own_classes
    given = _given(outputs[0][1], outputs[1][1], names, own) if len(outputs) == 2 and _is_labels(*outputs[0]) else None
    if tokens := token_scores(prediction):
        return _of_tokens(tokens, names, certain=_activation(prediction))
    scores = described_scores(prediction)
    if scores and (not given or _activation(prediction)):
        return _described(scores, names, certain=_activation(prediction))
    if given:
        return given
    if len(outputs) == 1 and names and _has_columns(outputs[0][1], len(names)):
        return _highest(outputs[0][1], names)
    return None


def _activation(prediction: Prediction) -> bool:
    description = prediction.version.description
    return bool(description and description.classes and description.classes.activation)


def _described(scores: Scores, names: Sequence[str], certain: bool) -> Classification:
    labels = _highest_of(scores.matrix, scores.classes) if scores.matrix.size else []
    if certain:
        probabilities: Array | None = scores.matrix.astype(np.float32)
    else:
        probabilities = scores.matrix if _are_probabilities(scores.matrix) else None
    return Classification(labels, probabilities, scores.classes if names else None)


def _of_tokens(scores: TokenScores, names: Sequence[str], certain: bool) -> Classification:
    rows, tokens, classes = scores.cube.shape
    flat = scores.cube.reshape(-1, classes)
    labels = _highest_of(flat, scores.classes) if flat.size else []
    nested = [labels[at * tokens : (at + 1) * tokens] for at in range(rows)]
    probabilities = scores.cube.astype(np.float32) if certain else None
    return Classification(nested, probabilities, scores.classes if names else None)


def _is_labels(spec: TensorSpec, value: Value) -> bool:
    return spec.datatype in {"INT64", "INT32", "BYTES"} and isinstance(value, np.ndarray) and value.ndim == 1


def _has_columns(value: Value, count: int) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim == 2 and value.shape[1] == count


def _given(labels: Array, scores: Value, names: Sequence[str], own: Sequence[str] | None) -> Classification | None:
    rows = len(labels)
    if are_maps(scores) and len(scores) == rows:
        found = matrix_of_maps(scores, names)
        named = dict(zip(scores[0], found.classes, strict=True))
        return Classification([named.get(one, one) for one in labels.tolist()], found.matrix, found.classes)
    if isinstance(scores, np.ndarray) and scores.dtype.kind == "f" and scores.ndim == 2 and len(scores) == rows:
        certain = _are_probabilities(scores)
        if len(names) == scores.shape[1]:
            renamed = _renamed([str(one) for one in labels.tolist()], scores, names, own)
            return Classification(renamed, scores if certain else None, list(names))
        return Classification(labels.tolist(), scores, None) if certain else None
    return None


def _renamed(labels: list[str], scores: Array, names: Sequence[str], own: Sequence[str] | None) -> list[Any]:
    """The model's own labels where these are the names, else the name in the same place of its own classes.

    A model need not answer its highest column, so that one is named only where its own classes are unknown.
    """
    if own is not None:
        own = own or [str(number) for number in range(len(names))]
    if own is None or len(own) != len(names) or not {*labels} <= {*own}:
        return list(labels) if {*labels} <= {*names} else _highest_of(scores, names)
    named = dict(zip(own, names, strict=True))
    return list(labels) if {*own} == {*names} else [named[label] for label in labels]


def _highest(scores: Array, names: Sequence[str]) -> Classification:
    labels = _highest_of(scores, names)
    return Classification(labels, scores if _are_probabilities(scores) else None, list(names))


def _highest_of(matrix: Array, classes: Sequence[Any]) -> list[Any]:
    """The class of each row's highest column; None for a row that holds NaN, for then there is no highest."""
    certain = (matrix == matrix).all(axis=1).tolist()  # which NaN is not, in bfloat16 too
    best = matrix.argmax(axis=1).tolist()
    return [classes[at] if is_certain else None for at, is_certain in zip(best, certain, strict=True)]


def _are_probabilities(scores: Array) -> bool:
    sums = scores.sum(axis=1, dtype=np.float64)
    return bool((scores >= 0).all() and (np.abs(sums - 1) <= _SUM_TOLERANCE).all())

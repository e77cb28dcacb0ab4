"""The output that a description calls classes, as a matrix: [rows, classes], its activation applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aimass.domain.description import ClassOutput
from aimass.domain.model import TensorSpec
from aimass.inference.dataplane import Prediction, Value
from aimass.inference.tensors import Array


@dataclass(frozen=True)
class Scores:
    """`matrix` is [rows, classes]: FP64 after an activation, else as the model gave it. `classes` label its columns."""

    matrix: Array
    classes: list[Any]


def described_scores(prediction: Prediction) -> Scores | None:
    """The scores that the version's description names, or None: it names none, or this call did not ask for them.

    Columns are labelled by the version's class names where there are as many, else by their number. One column of two
    class names, or with a sigmoid and none, is the probability of the second of two classes.
    """
    description = prediction.version.description
    how = description.classes if description else None
    named = [(spec, value) for spec, value in prediction.outputs if how and spec.name == how.output]
    if not how or not named:
        return None
    names = prediction.version.class_names
    found = _scores(*named[0], names)
    return found and _two_classes(Scores(activated(found.matrix, how), found.classes), how, names)


def are_maps(value: Value) -> bool:
    """Whether this is what ZipMap gives: a list of dicts with the same keys."""
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) and row for row in value)


def matrix_of_maps(value: Sequence[dict[Any, float]], names: Sequence[str]) -> Scores:
    """ZipMap's maps as a matrix; its keys get the version's names where there are as many."""
    keys = list(value[0])
    return Scores(np.array([[row[key] for key in keys] for row in value], np.float32), _class_names(keys, names))


def _class_names(keys: list[Any], names: Sequence[str]) -> list[Any]:
    """The version's names in the order of the maps' keys, where it has one for each; these are its own if they can."""
    if len(names) == len(keys):
        texts = [str(key) for key in keys]
        return texts if {*texts} == {*names} else list(names)
    return keys


def activated(matrix: Array, how: ClassOutput) -> Array:
    """The matrix through softmax or sigmoid, in FP64 and without overflow; as it is where there is no activation."""
    if how.activation is None:
        return matrix
    scores = matrix.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        if how.activation == "softmax":
            powers: Array = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
            powers /= powers.sum(axis=1, keepdims=True)
            return powers
        small: Array = np.exp(-np.abs(scores))
        fractions: Array = np.where(scores >= 0, 1, small) / (1 + small)
        return fractions


def _scores(spec: TensorSpec, value: Value, names: Sequence[str]) -> Scores | None:
    if are_maps(value):
        return matrix_of_maps(value, names)
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiuV":
        return None
    # Integers would wrap around where they are subtracted.
    matrix = _matrix(spec, value.astype(np.float64) if value.dtype.kind in "iu" else value, len(names))
    if matrix is None:
        return None
    columns = matrix.shape[1]
    return Scores(matrix, list(names) if len(names) == columns else list(range(columns)))


def _matrix(spec: TensorSpec, value: Array, classes: int) -> Array | None:
    """[rows, classes] of a matrix, also one with dimensions of 1 behind, or of a vector.

    A vector is one row where the model always gives as many numbers as there are class names, else a column.
    """
    if value.ndim == 1:
        size = spec.shape[0] if spec.shape else len(value)
        return value.reshape(1, -1) if classes > 1 and size == classes else value.reshape(-1, 1)
    if value.ndim >= 2 and all(size == 1 for size in value.shape[2:]):
        return value.reshape(value.shape[:2])
    return None


def _two_classes(scores: Scores, how: ClassOutput, names: Sequence[str]) -> Scores:
    if scores.matrix.shape[1] != 1 or not (len(names) == 2 or (not names and how.activation == "sigmoid")):
        return scores
    second = scores.matrix
    return Scores(np.concatenate([1 - second, second], axis=1), list(names) or [0, 1])

"""Triton's classification extension: the best classes of an output as `value:index:label` strings."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from aimass.domain.errors import InvalidArguments, PayloadTooLarge
from aimass.domain.model import TensorSpec
from aimass.inference.tensors import Array

_MOST = 600_000  # of ten bytes at least: an answer carries no more


def best_classes(spec: TensorSpec, scores: Array, count: int, names: Sequence[str]) -> Array:
    """The `count` highest values of each row, best first: strings of shape [rows, count], of [count] for a vector.

    A label stands behind the index where the version has as many class names as the rows have columns. NaN is last.
    Raises InvalidArguments for an output that has no columns of numbers.
    """
    if scores.dtype.kind not in "fiuV" or not scores.ndim:
        raise InvalidArguments(
            f"output {spec.name!r}: classification wants a tensor of numbers, this is {spec.datatype}"
        )
    values = scores.astype(np.float32) if scores.dtype.kind == "V" else scores
    vector = values.ndim == 1
    rows = values.reshape(1, -1) if vector else values.reshape(len(values), math.prod(values.shape[1:]))
    if len(rows) * min(count, rows.shape[1]) > _MOST:
        raise PayloadTooLarge(
            f"output {spec.name!r}: more than {_MOST} classes in one answer; send fewer rows", limit=_MOST
        )
    best = _descending(rows)[:, :count]
    labels = names if len(names) == rows.shape[1] else None
    texts = np.empty(best.shape, object)
    for (row, place), at in np.ndenumerate(best):
        texts[row, place] = _text(rows[row, at], int(at), labels)
    return texts[0] if vector else texts


def _descending(rows: Array) -> Array:
    """The columns' order, best first and NaN last; of equal ones the first."""
    if rows.dtype.kind == "f":
        return np.argsort(-rows, axis=1, kind="stable")
    last = rows.shape[1] - 1
    ascending: Array = np.argsort(rows[:, ::-1], axis=1, kind="stable")
    best: Array = last - ascending[:, ::-1]
    return best


def _text(value: np.generic, index: int, labels: Sequence[str] | None) -> str:
    number = f"{float(value):f}" if value.dtype.kind == "f" else str(value)
    return f"{number}:{index}" + (f":{labels[index]}" if labels else "")

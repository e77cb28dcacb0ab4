"""What a model answered beside what another did, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Compared:
    """One output of one call, as two tables of `rows`; `misfit` says why they can't be compared.

    `scores` says that the output itself is such a table, whose columns may be classes; `shape` is that of a line.
    """

    reference: Array
    got: Array
    misfit: str | None = None
    scores: bool = False
    shape: tuple[int, ...] = (1,)

    @property
    def labels(self) -> bool:
        """Whether both are whole numbers, strings or booleans."""
        return _is_label(self.reference) and _is_label(self.got)

    def without(self, left_out: Array) -> Compared:
        """The lines that are not left out."""
        if self.misfit or not left_out.any() or len(left_out) != len(self.reference):
            return self
        return replace(self, reference=self.reference[~left_out], got=self.got[~left_out])


def pair_of(name: str, original: Mapping[str, Any], onnx: Mapping[str, Any], rows: int) -> Compared:
    """One output of a call. What one side alone answers does not fit."""
    if name in original and name in onnx:
        return compared(original[name], onnx[name], rows)
    side = "the original" if name in onnx else "the ONNX model"
    return Compared(np.zeros((rows, 0)), np.zeros((rows, 0)), f"{side} answers it in some calls only")


def compared(reference: Any, got: Any, rows: int) -> Compared:
    """Both values as tables with a line for each row. Dimensions of one may differ."""
    one, other = array_of(reference), array_of(got)
    if one.shape != other.shape and _squeezed(one) != _squeezed(other):
        misfit = f"the original answers the shape {list(one.shape)}, the ONNX model {list(other.shape)}"
        return Compared(one, other, misfit)
    lines = rows if other.ndim and other.shape[0] == rows else 1
    table = (lines, other.size // max(1, lines))
    scores = other.ndim == 2 and lines == rows and table[1] > 1
    return Compared(one.reshape(table), other.reshape(table), scores=scores, shape=_line(other, rows, lines))


def _line(array: Array, rows: int, lines: int) -> tuple[int, ...]:
    if not array.size or (array.ndim < 2 and lines == rows):
        return (1,)
    shape: tuple[int, ...] = array.shape
    return shape[1:] if shape[0] == rows else shape


def array_of(value: Any) -> Array:
    """One array of a tensor, a sequence or maps; a map's values are in the order of its keys."""
    if isinstance(value, Mapping):
        return np.array([value[key] for key in sorted(value)])
    if isinstance(value, list | tuple):
        parts = [array_of(one) for one in value]
        same = parts and all(part.shape == parts[0].shape for part in parts)
        return np.stack(parts) if same else np.concatenate([part.ravel() for part in parts] or [np.zeros(0)])
    array = np.asarray(value) if value is not None else np.zeros(0)
    return array.astype(np.float32) if array.dtype.kind == "V" else array


def doubles(array: Array) -> Array:
    """The numbers as float64; NaN where there is text."""
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):  # text beside numbers
        return np.full(array.shape, np.nan)


def _is_label(array: Array) -> bool:
    return array.dtype.kind in "iubOUS"


def _squeezed(array: Array) -> tuple[int, ...]:
    return tuple(size for size in array.shape if size != 1)

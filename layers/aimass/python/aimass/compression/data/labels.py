"""What the model should have answered: classes, by name or number, or numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from aimass.compression.data.limits import wrong
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec, Version
from aimass.inference.described.cells import number_of
from aimass.inference.tensors import brief

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Labels:
    """`values` is [rows], or [rows, …] where an answer has several: a token each, a class each.

    Classes are int64: numbers of the version's class names where it has any, else what the data have; or texts, where
    the model itself answers in texts. Numbers are float64.
    """

    kind: Literal["classes", "numbers"]
    values: Array

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: Any) -> Labels:
        """Those of the rows."""
        return Labels(self.kind, self.values[rows])


def labels_of(file: str, version: Version, given: Sequence[Any] | Array, places: Sequence[str] | None = None) -> Labels:
    """Labels as the data have them. `places` is what errors call the rows, else `row 0` and so on.

    Raises InvalidArguments naming the first row that is wrong.
    """
    array = _array(file, given, places)
    if array.ndim > 1 and array.shape[1:] == (1,) * (array.ndim - 1):
        array = array.reshape(len(array))
    if array.dtype.kind in "US":
        return _of_texts(file, version, array, places)
    if array.dtype.kind == "b":
        array = array.astype(np.int64)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise _bad(file, places, ~np.isfinite(array), "the label is no finite number")
    whole = bool((array == np.trunc(array)).all()) and bool((np.abs(array) < 1 << 53).all())
    if not whole and (version.class_names or answers_in_classes(version)):
        raise _bad(file, places, array != np.trunc(array), "the label is no whole number, and the model has classes")
    if not whole or is_regression(version, array):
        return Labels("numbers", array.astype(np.float64))
    return Labels("classes", _in_range(file, version, array.astype(np.int64), places))


def answers_in_classes(version: Version) -> bool:
    """Whether the model gives labels itself, as scikit-learn's do, or its description calls an output classes."""
    first = version.outputs[0] if version.outputs else None
    labels = first and first.datatype in {"INT64", "INT32", "BYTES"} and first.onnx_type.startswith("tensor(")
    return bool(labels) or bool(version.description and version.description.classes)


def is_regression(version: Version, labels: Array) -> bool:
    """Whether whole numbers are quantities: the model answers with one float a row, and they are not just 0 and 1."""
    if version.class_names or answers_in_classes(version) or labels.ndim > 1:
        return False
    floats = [spec for spec in version.outputs if spec.datatype in {"FP16", "FP32", "FP64", "BF16"}]
    return bool(floats) and _columns(floats[0]) == 1 and not set(np.unique(labels).tolist()) <= {0, 1}


def _columns(spec: TensorSpec) -> int:
    """How many numbers a row has; -1 where that is not known."""
    return 1 if len(spec.shape) == 1 else int(np.prod([max(size, -1) for size in spec.shape[1:]])) if spec.shape else -1


def _array(file: str, given: Sequence[Any] | Array, places: Sequence[str] | None) -> Array:
    if isinstance(given, np.ndarray):
        if given.dtype.kind == "S":
            given = np.char.decode(given, "utf-8", "replace")
        if given.dtype.kind not in "biufU" or not given.ndim:
            raise wrong(file, f"labels of type {given.dtype} and shape {list(given.shape)}; want numbers or strings")
        return given
    kinds = {type(one) for one in given}
    if kinds <= {bool, int, float, list}:
        try:
            return _array(file, np.array(given), places)
        except (ValueError, OverflowError):
            raise wrong(file, "the labels are lists of different lengths, or numbers out of range") from None
    if kinds <= {str, int, bool}:
        return np.array([one.strip() if isinstance(one, str) else str(one) for one in given])
    at = next(at for at, one in enumerate(given) if not isinstance(one, str | int | float))
    raise wrong(
        file, f"{places[at] if places else f'row {at}'}: the label is {brief(given[at])}; want text or a number"
    )


def _of_texts(file: str, version: Version, array: Array, places: Sequence[str] | None) -> Labels:
    """Names of classes; else, where all are numbers, what those are."""
    names = version.class_names
    distinct = np.unique(array)
    if "" in distinct:
        raise _bad(file, places, array == "", "the label is missing; give one in each row or in none")
    if names and set(distinct.tolist()) <= set(names):
        if repeated := [one for one in distinct.tolist() if names.count(one) > 1]:
            raise wrong(file, f"label {repeated[0]!r} is the name of several classes; give the classes' numbers")
        numbers = np.array([names.index(one) for one in distinct.tolist()], np.int64)
        return Labels("classes", numbers[np.searchsorted(distinct, array)])
    try:
        read = np.array([number_of(one) for one in distinct.tolist()])
    except ValueError:
        if names:
            unknown = next(one for one in distinct.tolist() if one not in set(names))
            listed = ", ".join(map(repr, names[:20]))
            raise _bad(file, places, array == unknown, f"no class {brief(unknown)}; there are {listed}") from None
        return Labels("classes", array)
    return labels_of(file, version, read[np.searchsorted(distinct, array)], places)


def _in_range(file: str, version: Version, array: Array, places: Sequence[str] | None) -> Array:
    names = version.class_names
    if not names or array.ndim > 1:  # several classes a row are 0 or 1 each, and tokens without a class negative
        return array
    outside = (array < 0) | (array >= len(names))
    if outside.any():
        told = f"class {array[outside].flat[0]} is none of the version's, 0 to {len(names) - 1}"
        raise _bad(file, places, outside, told)
    return array


def _bad(file: str, places: Sequence[str] | None, at_fault: Array, what: str) -> InvalidArguments:
    at = int(np.argmax(at_fault.reshape(len(at_fault), -1).any(axis=1)))
    return wrong(file, f"{places[at] if places else f'row {at}'}: {what}")

"""Which output of a model is scored, and how it is read: by its description, its types and shapes, and the labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from aimass.compression.data.labels import Labels
from aimass.domain.datatypes import FLOATS, is_tensor
from aimass.domain.description import ClassOutput
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec, Version

Kind = Literal["labels", "columns", "one column", "several classes", "numbers"]


@dataclass(frozen=True)
class Reading:
    """How outputs are read.

    `labels`: the model gives a label itself, and scores beside it in the output `scores`, if any. `columns`: the
    highest one of the last dimension is the class. `one column`: class 1 from `threshold` on. `several classes`:
    each column from `threshold` on. `numbers`: quantities, `single` if a row has one. `names` are the version's class
    names.
    """

    output: str
    kind: Kind
    names: tuple[str, ...] = ()
    scores: str | None = None
    threshold: float = 0.5
    single: bool = False

    @property
    def classifies(self) -> bool:
        """Whether rows get classes, so that two models may agree."""
        return self.kind != "numbers"


def reading_of(version: Version, labels: Labels | None, whole: bool = False) -> Reading:
    """By the description, the outputs' types and shapes, and what the labels are.

    `whole`: rows are calls, so that each output has one dimension more than it declares. Raises InvalidArguments where
    no output fits the labels.
    """
    names, description = version.class_names, version.description
    how = description.classes if description else None
    if not how and (given := _given(version, names)):
        if version.outputs[0].datatype != "BYTES":
            _check_names(labels, names)
        return given
    spec = _scored(version, how, names)
    shape = (-1, *spec.shape) if whole else spec.shape
    if labels is not None and labels.kind == "numbers":
        return Reading(spec.name, "numbers", single=labels.values.ndim == 1)
    _check_names(labels, names)
    units = labels.values.ndim - 1 if labels is not None else _units(shape, names, how)
    columns = _columns(shape, units)
    if how and how.activation == "sigmoid" and columns != 1 and (labels is None or units):
        return Reading(spec.name, "several classes", names, threshold=_before_sigmoid(how.threshold))
    if labels is None and not how and not _is_classifier(version, spec, columns, names):
        return Reading(spec.name, "numbers", single=columns == 1)
    if columns == 1:
        raw = bool(how and how.activation) or spec.name in version.raw_scores
        return Reading(spec.name, "one column", names, threshold=0.0 if raw else 0.5)
    return Reading(spec.name, "columns", names)


def as_classifier(reading: Reading) -> Reading:
    """For agreement asked of a model that nothing calls a classifier: its highest column counts."""
    return reading if reading.classifies else replace(reading, kind="columns")


def misfit(what: str) -> InvalidArguments:
    """The error that says why labels and answers can't be compared."""
    return InvalidArguments.of_fields({"data": what})


def _given(version: Version, names: tuple[str, ...]) -> Reading | None:
    """Labels that the model gives itself, and the scores beside them: what scikit-learn's converters write."""
    first = version.outputs[0] if version.outputs else None
    if not first or first.datatype not in {"INT64", "INT32", "BYTES"} or not is_tensor(first.onnx_type):
        return None
    if not (len(first.shape) == 1 or (len(first.shape) == 2 and first.shape[1] == 1)):
        return None
    beside = version.outputs[1] if len(version.outputs) > 1 else None
    is_scores = beside and (beside.onnx_type.startswith("seq(map(") or _is_floats(beside))
    return Reading(first.name, "labels", names, beside.name if beside and is_scores else None)


def _scored(version: Version, how: ClassOutput | None, names: Sequence[str]) -> TensorSpec:
    """The output that is described; else one with as many columns as there are names; else the first of floats."""
    if how:
        return next(spec for spec in version.outputs if spec.name == how.output)
    floats = [spec for spec in version.outputs if _is_floats(spec)]
    if not floats:
        raise misfit("no output of the model holds floats or a label a row; nothing can be measured on it")
    fitting = [spec for spec in floats if len(names) > 1 and len(names) in spec.shape[1:]]
    return (fitting or floats)[0]


def _is_floats(spec: TensorSpec) -> bool:
    return spec.datatype in FLOATS and is_tensor(spec.onnx_type)


def _units(shape: Sequence[int], names: Sequence[str], how: ClassOutput | None) -> int:
    """How many dimensions stand between row and class: 1 for a class a token."""
    tokens = len(shape) == 3 and shape[2] != 1 and (shape[2] == len(names) > 1)
    return 1 if tokens and not how else 0


def _columns(shape: Sequence[int], units: int) -> int:
    """How many columns the class has, -1 where unknown, 1 where there is no dimension for it."""
    at = 1 + units
    if len(shape) > at + 1 and any(size != 1 for size in shape[at + 1 :]):
        return shape[-1]
    return shape[at] if len(shape) > at else 1


def _is_classifier(version: Version, spec: TensorSpec, columns: int, names: Sequence[str]) -> bool:
    """Without labels: names for each column, or a matrix that was within 0 to 1 at import."""
    if len(names) > 1:
        return columns == len(names) or (columns == 1 and len(names) == 2)
    return len(spec.shape) == 2 and columns > 1 and spec.name not in version.raw_scores


def _check_names(labels: Labels | None, names: Sequence[str]) -> None:
    if labels is not None and labels.values.dtype.kind == "U":
        told = (
            f"the labels are words, such as {str(labels.values.flat[0])[:40]!r}, and the version has "
            f"{'other class names' if names else 'no class names'}: give classes by number, or set `labels` in its "
            "description"
        )
        raise misfit(told)


def _before_sigmoid(threshold: float | None) -> float:
    share = 0.5 if threshold is None else threshold
    return math.inf * (1 if share >= 1 else -1) if share >= 1 or share <= 0 else math.log(share / (1 - share))

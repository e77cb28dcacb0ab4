"""Classify's and regress's request and answers: `examples` in, one result each out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec
from aimass.inference.classes import classify
from aimass.inference.dataplane import Prediction, Value
from aimass.inference.described.outputs import described_outputs
from aimass.inference.jsontext import dumps, loads, number_json
from aimass.inference.tensors import Array, shape_text
from aimass.inference.values import decode_rows
from aimass.protocols.http import HttpResponse
from aimass.protocols.served import served
from aimass.protocols.tfserving.predict import check_signature

_KNOWN = {"examples", "context", "signature_name"}


@dataclass(frozen=True)
class Examples:
    """Objects of features, those of the `context` in each."""

    examples: list[dict[str, Any]]


def parse_examples(body: bytes) -> Examples:
    """Raises InvalidArguments unless there is a list of objects."""
    found = loads(body)
    if not isinstance(found, dict):
        raise InvalidArguments("the body must be a JSON object with 'examples'")
    unknown = sorted(found.keys() - _KNOWN)
    if unknown:
        raise InvalidArguments(f"unknown keys: {', '.join(unknown)[:200]}")
    check_signature(found)
    examples, context = found.get("examples"), found.get("context", {})
    if not isinstance(examples, list) or not examples or not all(isinstance(one, dict) for one in examples):
        raise InvalidArguments("examples must be a list of at least one object {feature: value}")
    if not isinstance(context, dict):
        raise InvalidArguments("context must be an object {feature: value}")
    return Examples([context | one for one in examples])


def read_examples(specs: Sequence[TensorSpec], call: Examples) -> dict[str, Value]:
    """The inputs that the features are. Raises InvalidArguments naming the input."""
    single = {spec.name for spec in specs if spec.shape and spec.shape[1:] in {(), (1,)}}
    return decode_rows(specs, [_features(one, single) for one in call.examples])


def _features(example: dict[str, Any], single: set[str]) -> dict[str, Any]:
    """A feature is a value or a list of values: of an input with one value a row, a list of one is that value."""
    return {
        name: value[0] if name in single and isinstance(value, list) and len(value) == 1 else value
        for name, value in example.items()
    }


def classified(call: Examples, prediction: Prediction) -> HttpResponse:
    """`{"results": [[[label, score], ...], ...]}`. Raises InvalidArguments where the model is no classifier."""
    return _results(call, prediction, _classes(prediction), "scores of classes")


def regressed(call: Examples, prediction: Prediction) -> HttpResponse:
    """`{"results": [number, ...]}`. Raises InvalidArguments where the model does not answer one number a row."""
    return _results(call, prediction, _numbers(prediction), "one number")


def _results(call: Examples, prediction: Prediction, results: list[Any] | None, what: str) -> HttpResponse:
    if results is None or len(results) != len(call.examples):
        outputs = ", ".join(f"{spec.name!r} {spec.datatype} {shape_text(spec.shape)}" for spec, _ in prediction.outputs)
        raise InvalidArguments(f"this model does not answer {what} for each example but {outputs}: use :predict")
    return served(prediction, dumps({"results": results}))


def _classes(prediction: Prediction) -> list[Any] | None:
    described = described_outputs(_with_all_classes(prediction))
    if described is not None:
        return [[[str(label), number_json(score)] for label, score in map(dict.values, row)] for row in described]
    found = classify(prediction)
    scores = found.probabilities if found and found.probabilities is not None else prediction.outputs[-1][1]
    if found is None or not isinstance(scores, np.ndarray) or scores.ndim != 2:
        return None
    labels = [str(one) for one in found.classes or range(scores.shape[1])]
    return [_scored(labels, row) for row in _plain(scores)]


def _with_all_classes(prediction: Prediction) -> Prediction:
    """Without the description's `top_k` and `threshold`: TensorFlow Serving answers every class."""
    description = prediction.version.description
    if description is None or description.classes is None:
        return prediction
    classes = replace(description.classes, top_k=None, threshold=None)
    version = replace(prediction.version, description=replace(description, classes=classes))
    return replace(prediction, version=version)


def _scored(labels: Sequence[str], row: Array) -> list[list[Any]]:
    return [[label, number_json(score)] for label, score in zip(labels, row, strict=True)]


def _numbers(prediction: Prediction) -> list[Any] | None:
    if len(prediction.outputs) != 1:
        return None
    value = prediction.outputs[0][1]
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiuV" or not value.ndim:
        return None
    if value.size != len(value):
        return None
    return [number_json(one) for one in _plain(value).reshape(-1)]


def _plain(array: Array) -> Array:
    """Numbers that JSON can write: orjson does not know bfloat16."""
    return array.astype(np.float32) if array.dtype.kind == "V" else array

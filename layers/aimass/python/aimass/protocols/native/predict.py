"""The request and the answer of `POST /predict`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec
from aimass.inference.classes import classify
from aimass.inference.dataplane import Prediction, Value
from aimass.inference.jsontext import array_json, dumps, loads
from aimass.inference.tensors import brief
from aimass.inference.values import decode_columns, decode_rows, decode_value, encode_value
from aimass.protocols.http import HttpResponse
from aimass.protocols.native.openapi import COMPRESSIONS, INPUT_FORMATS
from aimass.protocols.served import served

_REQUIRED = ("model_name", "input_format", "data")
_ARGUMENTS = (*_REQUIRED, "version", "compress")


@dataclass(frozen=True)
class PredictArguments:
    """The arguments of a call, of the right types; `data` is JSON still."""

    model_name: str
    input_format: str
    data: Any
    version: int | str | None


def parse_arguments(body: bytes) -> PredictArguments:
    """Raises InvalidArguments naming every argument that is missing, unknown or malformed."""
    found = loads(body)
    if not isinstance(found, dict):
        raise InvalidArguments("invalid arguments", fields={"body": "must be a JSON object"})
    fields = {name: "missing" for name in _REQUIRED if name not in found}
    fields |= {name: "unknown argument" for name in found if name not in _ARGUMENTS}
    fields |= {name: what for name, what in _malformed(found).items() if name in found}
    if fields:
        raise InvalidArguments("invalid arguments", fields=fields)
    return PredictArguments(found["model_name"], found["input_format"], found["data"], found.get("version"))


def _malformed(found: dict[str, Any]) -> dict[str, str]:
    version, compress, input_format = found.get("version"), found.get("compress"), found.get("input_format")
    fields = {}
    if not isinstance(found.get("model_name"), str):
        fields["model_name"] = "must be a string"
    if input_format not in INPUT_FORMATS:
        fields["input_format"] = f"must be one of {', '.join(map(repr, INPUT_FORMATS))}, got {brief(input_format)}"
    if isinstance(version, bool) or not isinstance(version, int | str | None) or version == "":
        fields["version"] = "must be a number, an alias's name or null"
    if compress not in COMPRESSIONS:
        fields["compress"] = f"must be null or 'original', got {brief(compress)}: there are no other variants yet"
    return fields


def read_inputs(specs: Sequence[TensorSpec], arguments: PredictArguments) -> dict[str, Value]:
    """The inputs that `data` holds, in its `input_format`. Raises InvalidArguments naming the input."""
    return _READERS[arguments.input_format](specs, arguments.data)


def _read_arrays(specs: Sequence[TensorSpec], data: Any) -> dict[str, Value]:
    if isinstance(data, dict):
        return decode_columns(specs, data)
    if len(specs) != 1:
        wanted = f"must be an object with the inputs {', '.join(repr(spec.name) for spec in specs)}"
        raise InvalidArguments(f"data {wanted}", fields={"data": wanted})
    return {specs[0].name: decode_value(specs[0], data)}


def _read_json(specs: Sequence[TensorSpec], data: Any) -> dict[str, Value]:
    if isinstance(data, dict):
        return decode_columns(specs, data)
    if not isinstance(data, list):
        raise InvalidArguments("invalid arguments", fields={"data": "must be a list of rows or an object of columns"})
    return decode_rows(specs, data)


_READERS: dict[str, Callable[[Sequence[TensorSpec], Any], dict[str, Value]]] = {
    "numpy array": _read_arrays,
    "json": _read_json,
}


def answer(prediction: Prediction) -> HttpResponse:
    """The answer: one output as it is, several by name; labels and probabilities where there are any."""
    values = {spec.name: encode_value(spec, value) for spec, value in prediction.outputs}
    body = {
        "model_name": prediction.version.model,
        "version": prediction.version.number,
        "variant": prediction.variant.name,
        "prediction": values if len(values) != 1 else next(iter(values.values())),
    }
    found = classify(prediction)
    if found:
        body["labels"] = found.labels
    if found and found.probabilities is not None:
        body["probabilities"] = array_json(found.probabilities)
    if found and found.classes is not None:
        body["classes"] = found.classes
    return served(prediction, dumps(body))

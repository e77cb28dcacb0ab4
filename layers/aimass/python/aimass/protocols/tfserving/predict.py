"""Predict's request and answer in TensorFlow Serving's row and column forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec, Version
from aimass.inference.dataplane import Prediction, Value
from aimass.inference.jsontext import dumps, loads
from aimass.inference.tensor_json import encode_tensor
from aimass.inference.tensors import brief
from aimass.inference.values import decode_columns, decode_rows, decode_value, encode_value, is_plain
from aimass.protocols.http import HttpResponse
from aimass.protocols.served import served
from aimass.protocols.table_rows import decoded

_KNOWN = {"instances", "inputs", "signature_name"}
_SIGNATURES = {"", "serving_default"}


@dataclass(frozen=True)
class PredictRequest:
    """A predict call: `rows` is whether it came as `instances`."""

    rows: bool
    data: Any


def parse_request(body: bytes) -> PredictRequest:
    """Raises InvalidArguments unless there is exactly one of `instances` and `inputs`."""
    found = loads(body)
    if not isinstance(found, dict):
        raise InvalidArguments("the body must be a JSON object with 'instances' or 'inputs'")
    unknown = sorted(found.keys() - _KNOWN)
    if unknown:
        raise InvalidArguments(f"unknown keys: {', '.join(unknown)[:200]}")
    if ("instances" in found) == ("inputs" in found):
        raise InvalidArguments("send exactly one of 'instances' (rows) and 'inputs' (columns)")
    check_signature(found)
    rows = "instances" in found
    if rows and not (isinstance(found["instances"], list) and found["instances"]):
        raise InvalidArguments("instances must be a list of at least one row")
    return PredictRequest(rows, found["instances" if rows else "inputs"])


def check_signature(found: dict[str, Any]) -> None:
    """Raises InvalidArguments for a `signature_name` that no model here has."""
    name = found.get("signature_name", "")
    if not isinstance(name, str):
        raise InvalidArguments("signature_name must be a string")
    if name not in _SIGNATURES:
        raise InvalidArguments(f"no signature {brief(name)}: every model here has 'serving_default' alone")


def read_inputs(version: Version, call: PredictRequest) -> dict[str, Value]:
    """The inputs of the call. Raises InvalidArguments naming the input."""
    return decoded(version, call.data, lambda data: _decoded(version.inputs, data, rows=call.rows))


def _decoded(specs: Sequence[TensorSpec], data: Any, *, rows: bool) -> dict[str, Value]:
    if rows:
        return decode_rows(specs, data)
    if len(specs) == 1 and is_plain(specs[0], data):
        return {specs[0].name: decode_value(specs[0], data)}
    if not isinstance(data, dict):
        raise InvalidArguments("inputs must be an object: this model has several inputs")
    return decode_columns(specs, data)


def answer(call: PredictRequest, prediction: Prediction) -> HttpResponse:
    """`{"predictions": rows}` for instances, `{"outputs": columns}` for inputs; a single output drops its name."""
    outputs = [(spec, _marked(spec, value)) for spec, value in prediction.outputs]
    if call.rows:
        return served(prediction, dumps({"predictions": _rows(outputs, len(call.data))}))
    columns = {spec.name: encode_value(spec, value) for spec, value in outputs}
    only = next(iter(columns.values())) if len(columns) == 1 else columns
    return served(prediction, dumps({"outputs": only}))


def _marked(spec: TensorSpec, value: Value) -> Value:
    """Strings of an output named `*_bytes` as bytes, which JSON shows as `{"b64": ...}`."""
    if not (spec.name.endswith("_bytes") and isinstance(value, np.ndarray) and value.dtype.kind == "O"):
        return value
    marked = np.empty(value.shape, object)
    marked.reshape(-1)[:] = [one.encode() if isinstance(one, str) else one for one in value.flat]
    return marked


def _rows(outputs: Sequence[tuple[TensorSpec, Value]], count: int) -> Any:
    for spec, value in outputs:
        has_rows = isinstance(value, list) or (isinstance(value, np.ndarray) and value.ndim > 0)
        if not has_rows or len(value) != count:
            raise InvalidArguments(
                f"output {spec.name!r} has no row for each of the {count} instances; send 'inputs' instead"
            )
    if len(outputs) == 1:
        return encode_value(*outputs[0])
    names = [spec.name for spec, _ in outputs]
    return [dict(zip(names, row, strict=True)) for row in zip(*(_cut(*one) for one in outputs), strict=True)]


def _cut(spec: TensorSpec, value: Value) -> list[Any]:
    """An output as a list of its rows, each as JSON."""
    if isinstance(value, np.ndarray):
        return [encode_tensor(value[at, ...]) for at in range(len(value))]
    encoded: list[Any] = encode_value(spec, value)
    return encoded

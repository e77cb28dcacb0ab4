"""An infer request: JSON, or JSON followed by tensors (binary tensor data extension)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aimass.domain.datatypes import OptionalType, SequenceType, is_tensor, parse_type
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec
from aimass.inference.dataplane import Value
from aimass.inference.jsontext import loads
from aimass.inference.raw import read_raw
from aimass.inference.structured import decode_structured
from aimass.inference.tensor_binary import decode_binary
from aimass.inference.tensor_json import decode_tensor
from aimass.inference.tensors import Array, bad_input, brief, check_rest, described, element_count, shape_text
from aimass.inference.values import check_names

_BINARY_OUTPUT = "binary_data_output"


@dataclass(frozen=True)
class WireTensor:
    """One input as it came: `data` is JSON, or a view of its bytes."""

    name: str
    datatype: str
    shape: list[int]
    data: Any


@dataclass(frozen=True)
class WantedOutput:
    """An output that was asked for; `classes` best ones of it in words instead, where that is above 0."""

    name: str
    binary: bool
    classes: int = 0


@dataclass(frozen=True)
class InferRequest:
    """A request; without `outputs` all are wanted, as `binary` says. `raw` is the body of a raw request.

    `parameters` come back with the answer; of them the platform knows `variant`.
    """

    id: str | None
    inputs: tuple[WireTensor, ...]
    outputs: tuple[WantedOutput, ...]
    binary: bool
    raw: memoryview | None = None
    variant: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


def parse_request(body: bytes, header_length: str | None) -> InferRequest:
    """Splits a body at its JSON header's length, and its rest into tensors. Raises InvalidArguments."""
    text, rest = _split(body, header_length)
    if header_length is not None and not text:
        return InferRequest(None, (), (), binary=True, raw=rest)
    found = loads(text)
    if not isinstance(found, dict) or not _objects(found.get("inputs")):
        raise InvalidArguments("the body must be a JSON object with a list of 'inputs'")
    parameters = _parameters(found)
    binary = parameters.get(_BINARY_OUTPUT) is True
    inputs, left = [], rest
    for one in found["inputs"]:
        tensor, left = _input(one, left)
        inputs.append(tensor)
    if left:
        raise InvalidArguments(f"{len(left)} bytes of binary data belong to no input")
    outputs = _outputs(found.get("outputs") or [], binary)
    echoed = {name: value for name, value in parameters.items() if name != _BINARY_OUTPUT}
    return InferRequest(_id(found), tuple(inputs), outputs, binary, None, _variant(parameters), echoed)


def _split(body: bytes, header_length: str | None) -> tuple[bytes, memoryview]:
    if header_length is None:
        return body, memoryview(b"")
    if not (header_length.isascii() and header_length.isdigit() and int(header_length[:12]) <= len(body)):
        given = f"Inference-Header-Content-Length is {header_length[:40]!r}"
        raise InvalidArguments(f"{given}, no length within the {len(body)} bytes of the body")
    length = int(header_length)
    return body[:length], memoryview(body)[length:]


def _objects(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(one, dict) for one in found)


def _parameters(found: dict[str, Any]) -> dict[str, Any]:
    parameters = found.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise InvalidArguments("'parameters' must be an object")
    return parameters


def _id(found: dict[str, Any]) -> str | None:
    request_id = found.get("id")
    if not isinstance(request_id, str | None):
        raise InvalidArguments("'id' must be a string")
    return request_id


def _variant(parameters: dict[str, Any]) -> str | None:
    variant = parameters.get("variant")
    if not isinstance(variant, str | None):
        raise InvalidArguments("parameter 'variant' must be a string")
    return variant


def _input(found: dict[str, Any], rest: memoryview) -> tuple[WireTensor, memoryview]:
    name, datatype, shape = found.get("name"), found.get("datatype"), found.get("shape")
    if not isinstance(name, str):
        raise InvalidArguments("every input needs a 'name'")
    if not isinstance(datatype, str) or not isinstance(shape, list):
        raise bad_input(name, "needs 'datatype' (a string) and 'shape' (a list of sizes)")
    element_count(name, shape)
    parameters = _parameters(found)
    if "shared_memory_region" in parameters:
        raise bad_input(name, "shared memory does not reach this service; send the data")
    size = parameters.get("binary_data_size")
    if size is None:
        if "data" not in found:
            raise bad_input(name, "needs 'data', or parameters.binary_data_size")
        return WireTensor(name, datatype, shape, found["data"]), rest
    if type(size) is not int or not 0 <= size <= len(rest):
        raise bad_input(name, f"binary_data_size is {brief(size)}, and {len(rest)} bytes of binary data are left")
    return WireTensor(name, datatype, shape, rest[:size]), rest[size:]


def _outputs(found: Any, binary: bool) -> tuple[WantedOutput, ...]:
    if not _objects(found) or not all(isinstance(one.get("name"), str) for one in found):
        raise InvalidArguments("'outputs' must be a list of objects with a 'name'")
    return tuple(_output(one["name"], _parameters(one), binary) for one in found)


def _output(name: str, parameters: dict[str, Any], binary: bool) -> WantedOutput:
    classes = parameters.get("classification", 0)
    if type(classes) is not int or classes < 0:
        raise InvalidArguments(f"output {name!r}: 'classification' must be a number of classes, got {brief(classes)}")
    return WantedOutput(name, parameters.get("binary_data", binary) is True, classes)


def read_inputs(specs: Sequence[TensorSpec], call: InferRequest) -> dict[str, Value]:
    """The inputs as the runtime takes them. Raises InvalidArguments naming the input."""
    if call.raw is not None:
        return read_raw(specs, call.raw)
    check_names(specs, {one.name for one in call.inputs})
    if len({one.name for one in call.inputs}) != len(call.inputs):
        raise InvalidArguments("an input is named twice")
    by_name = {spec.name: spec for spec in specs}
    return {one.name: _read(by_name[one.name], one) for one in call.inputs}


def _read(spec: TensorSpec, given: WireTensor) -> Value:
    if given.datatype != spec.datatype:
        came = f"{given.datatype[:20]} of shape {shape_text(given.shape)}"
        raise bad_input(spec.name, f"wants {described(spec)}, got {came}")
    if is_tensor(spec.onnx_type):
        check_rest(spec, given.shape)
        return _tensor(given)
    return _structured(spec, _tensor(given))


def _tensor(given: WireTensor) -> Array:
    if isinstance(given.data, memoryview):
        return decode_binary(given.name, given.datatype, given.shape, given.data)
    array = decode_tensor(given.name, given.datatype, given.data)
    if array.size != math.prod(given.shape) or (array.ndim > 1 and list(array.shape) != given.shape):
        raise bad_input(given.name, f"shape is {shape_text(given.shape)}, its data {shape_text(array.shape)}")
    return array.reshape(given.shape)


def _structured(spec: TensorSpec, texts: Array) -> Value:
    """A sequence of as many JSON texts, or a map or optional of one."""
    kind = parse_type(spec.onnx_type)
    values = [loads(text.encode() if isinstance(text, str) else text) for text in texts.flat]
    if isinstance(kind, SequenceType):
        return decode_structured(spec.name, kind, values)
    if len(values) != 1 and not (isinstance(kind, OptionalType) and not values):
        raise bad_input(spec.name, f"wants one JSON text, got {len(values)}")
    return decode_structured(spec.name, kind, values[0] if values else None)

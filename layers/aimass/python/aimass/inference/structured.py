"""Sequences, maps and optionals of ONNX as JSON values: a list, an object, null or the thing itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from aimass.domain.datatypes import MapType, OnnxType, OptionalType, SequenceType, TensorType
from aimass.inference.jsontext import number_json
from aimass.inference.tensor_json import decode_tensor, encode_tensor
from aimass.inference.tensors import bad_input


def decode_structured(name: str, kind: OnnxType, data: Any) -> Any:
    """The value that the runtime takes. Raises InvalidArguments naming the input."""
    if isinstance(kind, TensorType):
        return decode_tensor(name, kind.datatype, data)
    if isinstance(kind, OptionalType):
        return None if data is None else decode_structured(name, kind.element, data)
    if isinstance(kind, SequenceType):
        if not isinstance(data, list):
            raise bad_input(name, "wants a sequence: a JSON list")
        return [decode_structured(name, kind.element, one) for one in data]
    if not isinstance(data, dict):
        raise bad_input(name, "wants a map: a JSON object")
    return {_key(name, kind, key): _map_value(name, kind.value, one) for key, one in data.items()}


def _key(name: str, kind: MapType, key: str) -> int | str:
    if kind.key == "string":
        return key
    try:
        return int(key)
    except ValueError:
        raise bad_input(name, f"wants integer keys, got {key[:60]!r}") from None


def _map_value(name: str, kind: OnnxType, data: Any) -> Any:
    value = decode_structured(name, kind, data)
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


def encode_structured(kind: OnnxType, value: Any) -> Any:
    """The value as JSON for `jsontext.dumps`; a map's integer keys become strings."""
    if value is None:
        return None
    if isinstance(kind, TensorType):
        return encode_tensor(value) if isinstance(value, np.ndarray) else number_json(value)
    if isinstance(kind, OptionalType):
        return encode_structured(kind.element, value)
    if isinstance(kind, SequenceType):
        return [encode_structured(kind.element, one) for one in value]
    return {str(key): encode_structured(kind.value, one) for key, one in value.items()}

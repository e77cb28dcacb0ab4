"""The Open Inference Protocol as its specification has it, written apart from the code that answers it."""

from __future__ import annotations

import gzip
import json
import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.e2e.client import DATATYPES, IN_ONE_CALL, Client

NUMPY = {"float": "float32", "double": "float64", "string": "object"}


def infer_json(client: Client, model: str, feed: Sequence[tuple[str, str, Any]]) -> dict[str, tuple[Any, list[int]]]:
    """(name, type, value) in; by output name its flat data and its shape. JSON both ways."""
    inputs = [_described(one) | {"data": _flat(one)} for one in feed]
    body, headers = json.dumps({"inputs": inputs}, separators=(",", ":")).encode(), {}
    if len(body) > IN_ONE_CALL:
        body, headers = gzip.compress(body), {"Content-Encoding": "gzip"}
    answer = client.call("POST", f"/v2/models/{model}/infer", data=body, headers=headers)
    assert answer.status_code == 200, answer.text[:500]
    outputs = json.loads(answer.content)["outputs"]
    return {one["name"]: (one["data"], one["shape"]) for one in outputs}


def infer_binary(client: Client, model: str, feed: Sequence[tuple[str, str, Any]]) -> dict[str, tuple[Any, list[int]]]:
    """The same with the binary tensor extension both ways."""
    buffers = [_packed(one) for one in feed]
    inputs = [
        _described(one) | {"parameters": {"binary_data_size": len(raw)}} for one, raw in zip(feed, buffers, strict=True)
    ]
    header = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    headers = {"Inference-Header-Content-Length": str(len(header))}
    answer = client.call("POST", f"/v2/models/{model}/infer", data=header + b"".join(buffers), headers=headers)
    assert answer.status_code == 200, answer.text[:500]
    at = int(answer.headers["Inference-Header-Content-Length"])
    found = {}
    for output in json.loads(answer.content[:at])["outputs"]:
        size = output["parameters"]["binary_data_size"]
        raw, at = answer.content[at : at + size], at + size
        found[output["name"]] = (_unpacked(output, raw), output["shape"])
    assert at == len(answer.content)
    return found


def value_of(onnx_type: str, data: Any, shape: Sequence[int]) -> Any:
    """An output as the runtime's own type: an array, or what its JSON texts say."""
    if onnx_type.startswith("tensor("):
        return np.array(data, _dtype(onnx_type)).reshape(shape)
    assert math.prod(shape) == len(data)
    values = [json.loads(text) for text in data]
    return _from_json(onnx_type, values if onnx_type.startswith("seq(") else values[0])


def _from_json(onnx_type: str, value: Any) -> Any:
    head, _, rest = onnx_type.partition("(")
    if value is None or head == "tensor":
        return None if value is None else np.array(value, _dtype(onnx_type))
    inner = rest.removesuffix(")")
    return _from_json(inner, value) if head == "optional" else [_from_json(inner, one) for one in value]


def _dtype(onnx_type: str) -> np.dtype[Any]:
    element = onnx_type.removeprefix("tensor(").removesuffix(")")
    return np.dtype(NUMPY.get(element, element))


def _described(one: tuple[str, str, Any]) -> dict[str, Any]:
    name, onnx_type, value = one
    if not onnx_type.startswith("tensor("):
        return {"name": name, "shape": [len(_texts(onnx_type, value))], "datatype": "BYTES"}
    return {"name": name, "shape": list(value.shape), "datatype": DATATYPES[_dtype(onnx_type).name]}


def _flat(one: tuple[str, str, Any]) -> list[Any]:
    _, onnx_type, value = one
    if not onnx_type.startswith("tensor("):
        return _texts(onnx_type, value)
    flat = value.ravel()
    # A number's shortest text in its own datatype: 0.1, not 0.10000000149011612.
    return (flat.astype(np.str_).astype(np.float64) if flat.dtype.kind == "f" else flat).tolist()


def _texts(onnx_type: str, value: Any) -> list[str]:
    """A sequence as one JSON text an element, an optional as one text (docs/adr/0041)."""
    return [json.dumps(_json(one)) for one in (value if onnx_type.startswith("seq(") else [value])]


def _json(value: Any) -> Any:
    if isinstance(value, list):
        return [_json(one) for one in value]
    return None if value is None else np.asarray(value).tolist()


def _packed(one: tuple[str, str, Any]) -> bytes:
    flat = _flat(one)
    if _described(one)["datatype"] == "BYTES":
        texts = [text.encode() for text in flat]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    return np.ascontiguousarray(one[2]).tobytes()


def _unpacked(output: dict[str, Any], raw: bytes) -> Any:
    if output["datatype"] != "BYTES":
        kinds = {datatype: kind for kind, datatype in DATATYPES.items()}
        return np.frombuffer(raw, kinds[output["datatype"]])
    texts, at = [], 0
    while at < len(raw):
        (size,) = struct.unpack_from("<I", raw, at)
        texts.append(raw[at + 4 : at + 4 + size].decode())
        at += 4 + size
    return texts

"""Tensors in the binary extension of the Open Inference Protocol: JSON knows neither NaN nor an infinity."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping

import numpy as np

_DATATYPES = {"float16": "FP16", "float32": "FP32", "float64": "FP64", "bool": "BOOL"} | {
    f"{sign}int{bits}": f"{sign}int{bits}".upper() for sign in ("", "u") for bits in (8, 16, 32, 64)
}
_NUMPY = {datatype: kind for kind, datatype in _DATATYPES.items()}


def encoded(feed: Mapping[str, np.ndarray]) -> tuple[bytes, int]:
    """A request that wants a binary answer, and how many of its bytes are JSON."""
    bodies = [_bytes(array) for array in feed.values()]
    inputs = [
        {
            "name": name,
            "shape": array.shape,
            "datatype": _DATATYPES.get(str(array.dtype), "BYTES"),
            "parameters": {"binary_data_size": len(body)},
        }
        for (name, array), body in zip(feed.items(), bodies, strict=True)
    ]
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    return b"".join((head, *bodies)), len(head)


def _bytes(array: np.ndarray) -> bytes:
    """As the protocol's binary extension has them: strings with their lengths before them."""
    if array.dtype.kind not in "OU":
        return np.ascontiguousarray(array).tobytes()
    texts = (str(text).encode() for text in array.ravel())
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def decoded(body: bytes, head: int) -> dict[str, np.ndarray]:
    """The tensors of an answer, by name."""
    found, start = {}, head
    for one in json.loads(body[:head])["outputs"]:
        size = one["parameters"]["binary_data_size"]
        found[one["name"]] = _array(one["datatype"], body[start : start + size]).reshape(one["shape"])
        start += size
    return found


def _array(datatype: str, body: bytes) -> np.ndarray:
    if datatype != "BYTES":
        return np.frombuffer(body, _NUMPY[datatype])
    texts, start = [], 0
    while start < len(body):
        (size,) = struct.unpack_from("<I", body, start)
        texts.append(body[start + 4 : start + 4 + size].decode())
        start += 4 + size
    return np.array(texts, str)

"""The runtime's type names, such as `seq(map(int64,tensor(float)))`, and values of those types."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import onnxruntime as ort

from aimass.sandbox.tasks.session import CARRIED

_NESTED = re.compile(r"(tensor|seq|optional|map)\((.*)\)")
_ELEMENT = re.compile(r"tensor\((\w+)\)")
DTYPES: dict[str, Any] = {
    "bool": np.bool_,
    "double": np.float64,
    "float": np.float32,
    "float16": np.float16,
    "int8": np.int8,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "string": np.object_,
    "uint8": np.uint8,
    "uint16": np.uint16,
    "uint32": np.uint32,
    "uint64": np.uint64,
}


def parse(onnx_type: str) -> tuple[str, str]:
    """The outermost kind and what it holds: `seq(tensor(float))` is `("seq", "tensor(float)")`."""
    match = _NESTED.fullmatch(onnx_type)
    return (match[1], match[2]) if match else ("scalar", onnx_type)


def unknown_element(onnx_type: str) -> str | None:
    """The first element type within that cannot be handed to the runtime, such as `int4`."""
    return next((name for name in _ELEMENT.findall(onnx_type) if name not in DTYPES and name not in CARRIED), None)


def carry(name: str, bits: Any) -> ort.OrtValue:
    """A tensor of an element type that numpy lacks, from its bits. `name` is a key of CARRIED."""
    code, dtype = CARRIED[name]
    return ort.OrtValue.ortvalue_from_numpy_with_onnx_type(np.asarray(bits, dtype), code)

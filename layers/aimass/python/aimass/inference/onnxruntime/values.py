"""What ONNX Runtime's Python binding takes and gives, where it differs from plain numpy."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import onnxruntime as ort

from aimass.inference.dataplane import Value
from aimass.inference.tensors import bad_input, numpy_dtype

_BFLOAT16 = 16  # onnx.TensorProto.BFLOAT16


def plain_value(name: str, value: Value) -> Value:
    """A value as the binding takes it: strings that are not all UTF-8 as fixed-width bytes. Raises InvalidArguments."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "O" and any(isinstance(one, bytes) for one in value.flat):
        return _fixed_width(name, value)
    return value


def _fixed_width(name: str, value: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    raw = [one.encode() if isinstance(one, str) else one for one in value.flat]
    if any(one.endswith(b"\0") for one in raw):
        raise bad_input(name, "bytes that are not UTF-8 and end in a zero byte do not reach this runtime unharmed")
    return np.array(raw, np.bytes_).reshape(value.shape)


def ort_value(name: str, value: Value) -> Any:
    """A tensor in the runtime's own form, which knows bfloat16. Raises InvalidArguments for anything but numbers."""
    if not isinstance(value, np.ndarray) or value.dtype.kind in "OS":
        raise bad_input(name, "a model with BF16 tensors takes tensors of numbers only")
    if value.dtype == numpy_dtype("BF16"):
        return ort.OrtValue.ortvalue_from_numpy_with_onnx_type(value.view(np.uint16), _BFLOAT16)
    return ort.OrtValue.ortvalue_from_numpy(value)


def array_of(value: Any) -> Value:
    """What a value in the runtime's own form holds."""
    if value.data_type() != "tensor(bfloat16)":
        return value.numpy()
    shape = tuple(value.shape())
    raw = ctypes.string_at(value.data_ptr(), 2 * int(np.prod(shape)))
    return np.frombuffer(raw, numpy_dtype("BF16")).reshape(shape)

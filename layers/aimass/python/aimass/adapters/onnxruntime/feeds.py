"""What ONNX Runtime's Python binding takes and gives, where it differs from plain numpy."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import onnxruntime as ort

from aimass.inference.dataplane import Value
from aimass.inference.tensors import bad_input, numpy_dtype

_BFLOAT16 = 16  # onnx.TensorProto.BFLOAT16


def runtime_value(name: str, value: Value) -> Value:
    """A value as the binding takes it: strings that are not all UTF-8 as fixed-width bytes. Raises InvalidArguments."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "O" and any(isinstance(one, bytes) for one in value.flat):
        return _fixed_width(name, value)
    return value


def _fixed_width(name: str, value: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    raw = [one.encode() if isinstance(one, str) else one for one in value.flat]
    if any(one.endswith(b"\0") for one in raw):
        raise bad_input(name, "bytes that are not UTF-8 and end in a zero byte do not reach this runtime unharmed")
    return np.array(raw, np.bytes_).reshape(value.shape)


def needs_ort_values(session: Any) -> bool:
    """Whether a bfloat16 tensor goes in or out: the binding has no numpy type for it."""
    return any(one.type == "tensor(bfloat16)" for one in session.get_inputs() + session.get_outputs())


def run_ort_values(session: Any, outputs: list[str], feed: dict[str, Value], options: Any) -> list[Value]:
    """Runs a model with bfloat16 tensors. Raises InvalidArguments for inputs that are no tensors of numbers."""
    values = {name: _ort_value(name, value) for name, value in feed.items()}
    return [_array(value) for value in session.run_with_ort_values(outputs, values, options)]


def _ort_value(name: str, value: Value) -> Any:
    if not isinstance(value, np.ndarray) or value.dtype.kind in "OS":
        raise bad_input(name, "a model with BF16 tensors takes tensors of numbers only")
    if value.dtype == numpy_dtype("BF16"):
        return ort.OrtValue.ortvalue_from_numpy_with_onnx_type(value.view(np.uint16), _BFLOAT16)
    return ort.OrtValue.ortvalue_from_numpy(value)


def _array(value: Any) -> Value:
    if value.data_type() != "tensor(bfloat16)":
        return value.numpy()
    shape = tuple(value.shape())
    raw = ctypes.string_at(value.data_ptr(), 2 * int(np.prod(shape)))
    return np.frombuffer(raw, numpy_dtype("BF16")).reshape(shape)

"""One onnxruntime session on one thread, and calls of it that end in time."""

from __future__ import annotations

import ctypes
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import onnxruntime as ort

Feed = Mapping[str, Any]
_Answer = TypeVar("_Answer")

FATAL = 4
# Element types that numpy has no name for, by TensorProto.DataType, and the type that carries their bits.
CARRIED = {
    "bfloat16": (16, np.uint16),
    "float8e4m3fn": (17, np.uint8),
    "float8e4m3fnuz": (18, np.uint8),
    "float8e5m2": (19, np.uint8),
    "float8e5m2fnuz": (20, np.uint8),
}


def open_session(path: Path, options: ort.SessionOptions | None = None) -> ort.InferenceSession:
    """Opens a model as `predict` does: one thread, CPU. The runtime's own exceptions pass through."""
    options = options or ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL
    # By content, not by name: a file called `.ort` would be read as another format.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def within(seconds: float, call: Callable[[], _Answer]) -> _Answer:
    """Calls, and lets the kernel end this process with SIGALRM if that takes longer, whatever code is running."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return call()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def predict(session: ort.InferenceSession, feed: Feed) -> Sequence[Any]:
    """One prediction. Tensors of a type that numpy lacks come back as the integers that carry their bits."""
    options = ort.RunOptions()
    options.log_severity_level = FATAL
    if not any(_carried(output.type) for output in session.get_outputs()):
        return list(session.run(None, feed, options))
    values = {name: _ort_value(value) for name, value in feed.items()}
    return [_array(value) for value in session.run_with_ort_values(None, values, options)]


def _carried(onnx_type: str) -> bool:
    return any(f"tensor({name})" == onnx_type for name in CARRIED)


def _ort_value(value: Any) -> ort.OrtValue:
    return value if isinstance(value, ort.OrtValue) else ort.OrtValue.ortvalue_from_numpy(value)


def _array(value: ort.OrtValue) -> Any:
    name = value.data_type().removeprefix("tensor(").removesuffix(")")
    if name not in CARRIED:
        return value.numpy()
    dtype = np.dtype(CARRIED[name][1])
    shape = value.shape()
    data = ctypes.string_at(value.data_ptr(), int(np.prod(shape)) * dtype.itemsize)
    return np.frombuffer(data, dtype).reshape(shape)

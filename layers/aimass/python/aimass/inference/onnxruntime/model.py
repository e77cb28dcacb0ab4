"""Models, open in the runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnxruntime as ort

from aimass.inference.dataplane import Value
from aimass.inference.onnxruntime.values import array_of, ort_value, plain_value

VERSION: str = ort.__version__
_FATAL_ONLY = 4
ort.set_default_logger_severity(_FATAL_ONLY)


def session_options(threads: int, *, spinning: bool = True) -> Any:
    """How every model is opened: `threads` within an operator, one operator at a time.

    With `spinning` threads burn their core while they wait for work: faster where nobody else wants it.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if not spinning:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _FATAL_ONLY
    return options


def run_options() -> Any:
    """Options of one run; `terminate` ends it."""
    options = ort.RunOptions()
    options.log_severity_level = _FATAL_ONLY
    return options


def _is_ort(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8)[4:] == b"ORTM"


class OpenModel:
    """A model from a file. The runtime's own exceptions pass through, here and in `run`."""

    def __init__(self, main: Path, options: Any) -> None:
        # By content, not by name: a file called `.ort` would be read as another format.
        options.add_session_config_entry("session.load_model_format", "ORT" if _is_ort(main) else "ONNX")
        self._session = ort.InferenceSession(
            str(main), options, providers=["CPUExecutionProvider"], enable_fallback=False
        )
        self.inputs: Sequence[Any] = self._session.get_inputs()
        self.outputs: Sequence[Any] = self._session.get_outputs()
        self._names = [one.name for one in self.inputs]
        # The binding has no numpy type for it.
        self._as_ort_values = any(one.type == "tensor(bfloat16)" for one in (*self.inputs, *self.outputs))

    def run(self, inputs: Mapping[str, Value], options: Any, outputs: list[str] | None = None) -> list[Value]:
        """The named outputs in that order, or all. An optional input may be left out. Raises InvalidArguments."""
        feed = {name: plain_value(name, inputs.get(name)) for name in self._names}
        if not self._as_ort_values:
            values: list[Value] = self._session.run(outputs, feed, options)
            return values
        tensors = {name: ort_value(name, value) for name, value in feed.items()}
        return [array_of(value) for value in self._session.run_with_ort_values(outputs, tensors, options)]

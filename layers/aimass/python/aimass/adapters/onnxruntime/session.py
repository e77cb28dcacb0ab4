"""Opens and runs models in ONNX Runtime on the CPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnxruntime as ort

from aimass.adapters.onnxruntime.feeds import needs_ort_values, run_ort_values, runtime_value
from aimass.adapters.onnxruntime.reasons import prediction_error
from aimass.adapters.onnxruntime.watchdog import Watchdog
from aimass.domain.errors import PredictionTimeout
from aimass.domain.model import ModelFiles, Variant
from aimass.inference.dataplane import Value

_FATAL_ONLY = 4
ort.set_default_logger_severity(_FATAL_ONLY)


def _options(threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    # By content, not by name: a file called `.ort` would be read as another format.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return options


class OnnxRuntime:
    """Opens models with `threads` each."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._watchdog = Watchdog()

    def files_of(self, variant: Variant) -> ModelFiles:
        """The optimised graph where this very runtime made it, else the original."""
        if variant.optimized and variant.measurements.onnxruntime == ort.__version__:
            return variant.optimized
        return variant.files

    def open(self, main: Path) -> OnnxSession:
        """Raises PredictionOutOfMemory, PredictionFailed."""
        try:
            session = ort.InferenceSession(
                str(main), _options(self._threads), providers=["CPUExecutionProvider"], enable_fallback=False
            )
        except Exception as error:  # the runtime raises many kinds, none of them ours
            raise prediction_error(error, str(main.parent)) from None
        return OnnxSession(session, self._watchdog)


class OnnxSession:
    """An open model."""

    def __init__(self, session: Any, watchdog: Watchdog) -> None:
        self._session = session
        self._watchdog = watchdog
        self._types = {one.name: one.type for one in session.get_inputs()}
        self._as_ort_values = needs_ort_values(session)

    def run(self, inputs: Mapping[str, Value], outputs: Sequence[str], seconds: float) -> list[Value]:
        """The named outputs, in that order. An optional input may be left out.

        Raises PredictionTimeout, PredictionOutOfMemory, PredictionFailed.
        """
        feed = {name: runtime_value(name, inputs.get(name)) for name in self._types}
        options = ort.RunOptions()
        try:
            with self._watchdog.watch(options, seconds):
                return self._run(list(outputs), feed, options)
        except Exception as error:  # the runtime raises many kinds, none of them ours
            if options.terminate:
                raise PredictionTimeout(f"the prediction took longer than {seconds:g} s and was ended") from None
            raise prediction_error(error, "") from None

    def _run(self, outputs: list[str], feed: dict[str, Value], options: Any) -> list[Value]:
        if self._as_ort_values:
            return run_ort_values(self._session, outputs, feed, options)
        values: list[Value] = self._session.run(outputs, feed, options)
        return values

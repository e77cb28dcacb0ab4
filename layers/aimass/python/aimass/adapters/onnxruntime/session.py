"""Opens and runs models in ONNX Runtime on the CPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from aimass.adapters.onnxruntime.reasons import prediction_error
from aimass.adapters.onnxruntime.watchdog import Watchdog
from aimass.domain.errors import PredictionTimeout
from aimass.domain.files import ModelFiles
from aimass.domain.model import Variant
from aimass.inference.dataplane import Value
from aimass.inference.onnxruntime.model import VERSION, OpenModel, run_options, session_options


class OnnxRuntime:
    """Opens models with `threads` each, which spin while they wait unless they share their cores."""

    def __init__(self, threads: int, *, spinning: bool = True) -> None:
        self._threads = threads
        self._spinning = spinning
        self._watchdog = Watchdog()

    def files_of(self, variant: Variant) -> ModelFiles:
        """The optimised graph where this very runtime made it, else the original."""
        if variant.optimized and variant.measurements.onnxruntime == VERSION:
            return variant.optimized
        return variant.files

    def open(self, main: Path) -> OnnxSession:
        """Raises PredictionOutOfMemory, PredictionFailed."""
        try:
            model = OpenModel(main, session_options(self._threads, spinning=self._spinning))
        except Exception as error:  # the runtime raises many kinds, none of them ours
            raise prediction_error(error, str(main.parent)) from None
        return OnnxSession(model, self._watchdog)


class OnnxSession:
    """An open model."""

    def __init__(self, model: OpenModel, watchdog: Watchdog) -> None:
        self._model = model
        self._watchdog = watchdog

    def run(self, inputs: Mapping[str, Value], outputs: Sequence[str], seconds: float) -> list[Value]:
        """The named outputs, in that order. An optional input may be left out.

        Raises PredictionTimeout, PredictionOutOfMemory, PredictionFailed.
        """
        options = run_options()
        try:
            with self._watchdog.watch(options, seconds):
                return self._model.run(inputs, options, list(outputs))
        except Exception as error:  # the runtime raises many kinds, none of them ours
            if options.terminate:
                raise PredictionTimeout(f"the prediction took longer than {seconds:g} s and was ended") from None
            raise prediction_error(error, "") from None

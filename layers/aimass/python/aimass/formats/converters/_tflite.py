"""A TensorFlow Lite model, answered by its interpreter and converted by tf2onnx."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass.formats.converter import Candidate, Converted, Wanted
from aimass.formats.converters import _tensorflow as tensorflow
from aimass.formats.converters import _tf2onnx_operators
from aimass.formats.converters._tflite_checks import checked
from aimass.formats.converters._tflite_metadata import framework, packed_labels
from aimass.formats.converters._tflite_names import named

if TYPE_CHECKING:
    import numpy as np


def open_tflite(folder: Path, candidate: Candidate) -> TFLite:
    """Raises ConversionFailed for what neither runs safely nor converts, before the interpreter sees it."""
    return TFLite(folder / candidate.main)


class TFLite:
    """An Original."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.wanted: Sequence[Wanted] = ()
        from tf2onnx.tflite.Model import Model

        model = Model.GetRootAs(path.read_bytes(), 0)
        self._notes = checked(model)
        import tensorflow as tf

        self._interpreter = tf.lite.Interpreter(str(path), num_threads=1)
        self._interpreter.allocate_tensors()
        self._names = named(self._interpreter, model)
        self._framework = framework(model)
        self._see_tensors()

    def convert(self, folder: Path) -> Converted:
        import tensorflow as tf
        from tf2onnx import tfonnx

        _tf2onnx_operators.register()
        names, copies = self._renamed()
        with tf.device("/cpu:0"):
            converted = tfonnx.process_tf_graph(
                None,
                opset=tensorflow.OPSET,
                continue_on_error=False,
                input_names=[one["name"] for one in self._inputs.values()],
                output_names=[one["name"] for name, one in self._outputs.items() if name not in copies],
                tensors_to_rename=names,
                tflite_path=str(self._path),
            )
        written, self.wanted = tensorflow.finish(converted, folder, self._framework, {}, copies)
        return replace(written, labels=self._labels(), notes=(*written.notes, *self._notes))

    def _renamed(self) -> tuple[dict[str, str], dict[str, str]]:
        """Each tensor's name in ONNX; and outputs that are an input or another output too, with that one's."""
        names, copies = {one["name"]: name for name, one in self._inputs.items()}, {}
        for name, one in self._outputs.items():
            if names.setdefault(one["name"], name) != name:
                copies[name] = names[one["name"]]
        return names, copies

    def run(self, inputs: Mapping[str, np.ndarray[Any, Any]]) -> Mapping[str, Any]:
        for name, one in self._inputs.items():
            if tuple(one["shape"]) != inputs[name].shape:
                self._interpreter.resize_tensor_input(one["index"], inputs[name].shape, strict=True)
        self._interpreter.allocate_tensors()
        for name, one in self._inputs.items():
            self._interpreter.set_tensor(one["index"], inputs[name].astype(one["dtype"], copy=False))
        self._interpreter.reset_all_variables()  # the ONNX model begins anew with each call
        self._interpreter.invoke()
        self._see_tensors()  # whose shapes have changed
        return {name: self._interpreter.get_tensor(one["index"]) for name, one in self._outputs.items()}

    def _see_tensors(self) -> None:
        inputs, outputs = self._names
        self._inputs = dict(zip(inputs, self._interpreter.get_input_details(), strict=True))
        self._outputs = dict(zip(outputs, self._interpreter.get_output_details(), strict=True))

    def _labels(self) -> tuple[str, ...]:
        """The words of a list of labels that is packed behind the model, if one output has as many columns."""
        lines = [line for line in packed_labels(self._path) if line]
        widths = {int(one["shape"][-1]) for one in self._outputs.values() if len(one["shape"])}
        return tuple(lines) if len(lines) in widths else ()

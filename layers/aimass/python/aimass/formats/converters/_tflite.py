"""A TensorFlow Lite model, answered by its interpreter and converted by tf2onnx."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass.domain.errors import ConversionFailed, InvalidModel
from aimass.formats.converter import Candidate, Converted, Wanted
from aimass.formats.converters import _tensorflow as tensorflow
from aimass.formats.converters import _tensorflow_operators as operators
from aimass.formats.converters import _tf2onnx_operators
from aimass.formats.converters._tensorflow_allowed import computes
from aimass.formats.member import shown

if TYPE_CHECKING:
    import numpy as np

_FLEX = "Flex"  # an operator of TensorFlow itself, in a file of TensorFlow Lite
_STATE = re.compile(r"VAR_HANDLE|ASSIGN_VARIABLE|READ_VARIABLE|CALL_ONCE|HASHTABLE.*")
_MADE_UP = re.compile(r"^serving_default_|:\d+$")
_NO_NAME = re.compile(r"^(StatefulPartitionedCall|PartitionedCall|Identity|output)(_\d+)?$")
_LABELS = re.compile(r".*label.*\.txt", re.I)
_MOST_LABEL_BYTES = 1 << 20
_HYBRID = (
    "its weights are whole numbers and its inputs floats: TensorFlow Lite rounds the values between its layers, the"
    " ONNX model does not, so that their answers differ slightly; accept_drift takes it so"
)
_SOURCE = "send the SavedModel or Keras model that it was made from"


def open_tflite(folder: Path, candidate: Candidate) -> TFLite:
    """Raises ConversionFailed for what neither runs safely nor converts, before the interpreter sees it."""
    return TFLite(folder / candidate.main)


class TFLite:
    """An Original."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.wanted: Sequence[Wanted] = ()
        self._notes = _checked(path.read_bytes())
        import tensorflow as tf

        self._interpreter = tf.lite.Interpreter(str(path), num_threads=1)
        self._interpreter.allocate_tensors()
        self._inputs, self._outputs = _signature(self._interpreter)

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
        written, self.wanted = tensorflow.finish(converted, folder, "TensorFlow Lite", {}, copies)
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
            self._interpreter.set_tensor(one["index"], inputs[name])
        self._interpreter.reset_all_variables()  # the ONNX model begins anew with each call
        self._interpreter.invoke()
        self._inputs, self._outputs = _signature(self._interpreter)
        return {name: self._interpreter.get_tensor(one["index"]) for name, one in self._outputs.items()}

    def _labels(self) -> tuple[str, ...]:
        """The words of a list of labels that is packed behind the model, if one output has as many columns."""
        lines = [line for line in _packed_labels(self._path) if line]
        widths = {int(one["shape"][-1]) for one in self._outputs.values() if len(one["shape"])}
        return tuple(lines) if len(lines) in widths else ()


def _packed_labels(path: Path) -> Sequence[str]:
    """The one list of labels in the zip file that metadata puts behind a model."""
    if not zipfile.is_zipfile(path):
        return ()
    try:
        with zipfile.ZipFile(path) as archive:
            found = [one for one in archive.infolist() if _LABELS.fullmatch(one.filename)]
            if len(found) != 1 or found[0].file_size > _MOST_LABEL_BYTES:
                return ()
            return archive.read(found[0]).decode().splitlines()
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError, OSError):
        return ()


def _signature(interpreter: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Its inputs and outputs by name: those of its only signature, else what is left of its tensors' own."""
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    signatures = list(interpreter.get_signature_list().values())
    if len(signatures) == 1:
        runner = interpreter.get_signature_runner()
        given, answered = _by_index(runner.get_input_details()), _by_index(runner.get_output_details())
    else:
        given, answered = {}, {}
    names = list(tensorflow.named(_names(inputs, given, "input"), ()))
    outward = tensorflow.named(_names(outputs, answered, "output"), names)
    return dict(zip(names, inputs, strict=True)), dict(zip(outward, outputs, strict=True))


def _by_index(details: Mapping[str, Any]) -> dict[int, str]:
    return {one["index"]: name for name, one in details.items()}


def _names(details: Sequence[Any], signed: Mapping[int, str], kind: str) -> Iterator[str]:
    for index, one in enumerate(details):
        name = signed.get(one["index"])
        own = _MADE_UP.sub("", one["name"])
        yield name or (f"{kind}_{index}" if not own or _NO_NAME.match(own) else own)


def _checked(content: bytes) -> tuple[str, ...]:
    """What its owner ought to know.

    Raises ConversionFailed for operators that reach out of the graph, keep a state, or no converter knows.
    """
    from tf2onnx.tflite.Model import Model

    model = Model.GetRootAs(content, 0)
    custom, builtin = _operators(model)
    operators.refuse_others(_flex(model), computes)
    if foreign := sorted(
        name for name in custom if not name.startswith(_FLEX) and name != "TFLite_Detection_PostProcess"
    ):
        raise ConversionFailed(
            f"it needs the custom operator {', '.join(foreign[:5])}; {_SOURCE}", operators=foreign[:20]
        )
    if stateful := sorted(name for name in builtin if _STATE.fullmatch(name)):
        raise ConversionFailed(
            f"it keeps variables or tables from call to call ({', '.join(stateful)}); {_SOURCE}, with that state as"
            " inputs and outputs",
            operators=stateful,
        )
    if _is_sparse(model):
        raise ConversionFailed(f"its weights are stored sparse, which tf2onnx can't read; {_SOURCE}")
    return (_HYBRID,) if _is_hybrid(model) else ()


def _operators(model: Any) -> tuple[set[str], set[str]]:
    """The names of its custom operators, and of those that TensorFlow Lite has itself."""
    from tf2onnx.tflite.BuiltinOperator import BuiltinOperator

    names = {value: name for name, value in vars(BuiltinOperator).items() if isinstance(value, int)}
    custom, builtin = set[str](), set[str]()
    for index in range(model.OperatorCodesLength()):
        code = model.OperatorCodes(index)
        if code.CustomCode() is not None:
            custom.add(code.CustomCode().decode("utf-8", "replace"))
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        builtin.add(names.get(number, f"operator {number}"))
    return custom, builtin


def _flex(model: Any) -> set[str]:
    """The operators of TensorFlow itself: what runs is named by each one's options, whatever its code says."""
    from tensorflow.core.framework.node_def_pb2 import NodeDef
    from tf2onnx.flexbuffers import read_flexbuffer

    codes = [model.OperatorCodes(index).CustomCode() or b"" for index in range(model.OperatorCodesLength())]
    found = {code.decode("utf-8", "replace").removeprefix(_FLEX) for code in codes if code.startswith(_FLEX.encode())}
    for operator in _each(model):
        code = codes[operator.OpcodeIndex()]
        if not code.startswith(_FLEX.encode()):
            continue
        try:
            name, definition = read_flexbuffer(operator.CustomOptionsAsNumpy().tobytes(), decode_strings=False)
            inner = NodeDef.FromString(definition).op
        except Exception:  # whatever the parsers make of bytes that are no options
            raise InvalidModel(f"the options of its operator {shown(code)} can't be read; {_SOURCE}") from None
        found |= {name.decode("utf-8", "replace"), inner}
    return found


def _each(model: Any) -> Iterator[Any]:
    for index in range(model.SubgraphsLength()):
        graph = model.Subgraphs(index)
        yield from (graph.Operators(number) for number in range(graph.OperatorsLength()))


def _is_sparse(model: Any) -> bool:
    graphs = [model.Subgraphs(index) for index in range(model.SubgraphsLength())]
    return any(
        graph.Tensors(index).Sparsity() is not None for graph in graphs for index in range(graph.TensorsLength())
    )


def _is_hybrid(model: Any) -> bool:
    """Whether an operator multiplies floats by weights that are whole numbers ("dynamic range" quantization)."""
    from tf2onnx.tflite.TensorType import TensorType

    for index in range(model.SubgraphsLength()):
        graph = model.Subgraphs(index)
        for number in range(graph.OperatorsLength()):
            operator = graph.Operators(number)
            inputs = [operator.Inputs(place) for place in range(min(2, operator.InputsLength()))]
            types = [graph.Tensors(one).Type() for one in inputs if one >= 0]
            if types == [TensorType.FLOAT32, TensorType.INT8]:
                return True
    return False

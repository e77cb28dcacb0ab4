"""A SavedModel, opened as TensorFlow 1 does: its graph in a session. That opens what TensorFlow 2 wrote too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass.domain.errors import ConversionFailed
from aimass.formats.content import mapped
from aimass.formats.converter import Candidate, Converted, Wanted
from aimass.formats.converters import _savedmodel_graph as graphs
from aimass.formats.converters import _savedmodel_message as message
from aimass.formats.converters import _tensorflow as tensorflow
from aimass.formats.converters import _tensorflow_operators as operators
from aimass.formats.converters._layer_names import by_layer

if TYPE_CHECKING:
    import numpy as np

FILE = "saved_model.pb"
_VARIABLES = {"VarHandleOp", "Variable", "VariableV2"}


def open_saved_model(folder: Path, candidate: Candidate) -> SavedModel:
    """Raises ConversionFailed kinds."""
    if candidate.main != FILE:
        raise ConversionFailed(f"a SavedModel's graph is in a file called {FILE}; send its folder as it was saved")
    return SavedModel(folder)


def checked_operators(path: Path) -> set[str]:
    """All operators of the SavedModel. Raises ConversionFailed for one that no model needs."""
    with mapped(path) as content:
        names = operators.of_saved_model(content)
    operators.refuse_others(names)
    return names


class SavedModel:
    """An Original. Inputs and outputs come in the order of their names, or in `order`; then they keep their names."""

    def __init__(self, folder: Path, framework: str | None = None, order: Sequence[str] = ()) -> None:
        names = checked_operators(folder / FILE)
        if names & _VARIABLES and not (folder / "variables" / "variables.index").exists():
            raise ConversionFailed("its folder variables/ is missing; send the whole folder that was saved")
        self._place = {name: place for place, name in enumerate(order)}
        self._load(folder, framework)

    def _load(self, folder: Path, framework: str | None) -> None:
        import tensorflow as tf

        meta = message.serving(folder / FILE)
        self._framework = framework or f"TensorFlow {meta.meta_info_def.tensorflow_version}".strip()
        signature = message.signature(meta)
        message.refuse_checkpoints(meta, [one.name for one in signature.outputs.values()])
        taken = self._ordered(signature.inputs)
        names = [name for name, _ in taken] if self._place else tensorflow.named_inputs(name for name, _ in taken)
        self._inputs = {one.name: name for (_, one), name in zip(taken, names, strict=True)}
        if len(self._inputs) != len(signature.inputs) or not self._inputs:
            raise ConversionFailed(
                "it takes no inputs, or one under two names; give each input of its signature its own"
            )
        v1 = tf.compat.v1
        self._session = v1.Session(graph=tf.Graph(), config=v1.ConfigProto(device_count={"GPU": 0}))
        with self._session.graph.as_default() as graph, tf.device("/cpu:0"):
            v1.saved_model.load(self._session, list(meta.meta_info_def.tags), str(folder))
            answers = self._ordered(signature.outputs)
            named = tensorflow.named([key for key, _ in answers], self._inputs.values())
            # One tensor may be two outputs, or an input too: each gets a node of its own.
            self._outputs = {
                name: tf.identity(graph.get_tensor_by_name(one.name), f"aimass_output_{index}")
                for index, ((_, one), name) in enumerate(zip(answers, named, strict=True))
            }
        self.wanted: Sequence[Wanted] = ()

    def _ordered(self, tensors: Mapping[str, Any]) -> list[tuple[str, Any]]:
        return sorted(tensors.items(), key=lambda one: (self._place.get(one[0], len(self._place)), one[0]))

    def convert(self, folder: Path) -> Converted:
        inlined = self._inlined()
        if not self._place:
            self._name_outputs(inlined)
        definition, tables = self._frozen(inlined)
        outputs = {tensor.name: name for name, tensor in self._outputs.items()}
        shapes = {
            name: tensor.shape.as_list() for name, tensor in self._outputs.items() if tensor.shape.rank is not None
        }
        graph = tensorflow.Graph(definition, self._inputs, outputs, shapes, tables)
        converted, self.wanted = tensorflow.write(graph, folder, self._framework)
        return converted

    def run(self, inputs: Mapping[str, np.ndarray[Any, Any]]) -> Mapping[str, Any]:
        answers = self._session.run(self._outputs, {tensor: inputs[name] for tensor, name in self._inputs.items()})
        return {name: tensorflow.array(answer) for name, answer in answers.items()}

    def _name_outputs(self, inlined: Any) -> None:
        """After their layers, where the signature has no names for them."""
        sources = graphs.sources(inlined, [tensor.op.name for tensor in self._outputs.values()])
        names = by_layer(dict(zip(self._outputs, sources, strict=True)), (node.name for node in inlined.node))
        named = tensorflow.named(names, self._inputs.values())
        self._outputs = dict(zip(named, self._outputs.values(), strict=True))

    def _inlined(self) -> Any:
        """The graph of what answers, with its functions written out."""
        import tensorflow as tf

        inlined = graphs.inlined(self._session.graph, self._inputs, self._answers())
        inlined = tf.compat.v1.graph_util.extract_sub_graph(inlined, self._kept())
        tensorflow.refuse_writes(node.op for node in graphs.nodes(inlined))
        return inlined

    def _answers(self) -> list[str]:
        return [tensor.name for tensor in self._outputs.values()]

    def _kept(self) -> list[str]:
        return [name.split(":")[0] for name in (*self._answers(), *self._inputs)]

    def _frozen(self, inlined: Any) -> tuple[Any, dict[bytes, Any]]:
        """The graph with its variables as constants; and its lookup tables."""
        import tensorflow as tf
        from tf2onnx import tf_loader

        definition = tf.compat.v1.graph_util.convert_variables_to_constants(self._session, inlined, self._kept())
        tables = graphs.tables(self._session, definition)
        for node in graphs.nodes(definition):
            node.attr.pop("_output_shapes", None)  # stale, and believed
        with tf.Graph().as_default() as graph, tf.device("/cpu:0"):
            tf.import_graph_def(definition, name="")
            definition = graph.as_graph_def(add_shapes=True)
            return tf_loader.tf_optimize(list(self._inputs), self._answers(), definition), tables

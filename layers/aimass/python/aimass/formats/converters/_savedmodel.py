"""A SavedModel, opened as TensorFlow 1 does: its graph in a session. That opens what TensorFlow 2 wrote too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from aimass.domain.errors import ConversionFailed
from aimass.formats.content import mapped
from aimass.formats.converter import Candidate, Converted, Wanted
from aimass.formats.converters import _savedmodel_message as message
from aimass.formats.converters import _tensorflow as tensorflow
from aimass.formats.converters import _tensorflow_operators as operators

if TYPE_CHECKING:
    import numpy as np

FILE = "saved_model.pb"
_UNWISHED = ("_XlaMustCompile", "_noinline")
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
    """An Original. Inputs and outputs named in `order` come first and so, the others by their names."""

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
        self._inputs = {one.name: name for name, one in self._ordered(signature.inputs)}
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
        definition, tables = self._frozen()
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

    def _frozen(self) -> tuple[Any, dict[bytes, Any]]:
        """The graph with its functions written out, then its variables as constants; and its lookup tables."""
        import tensorflow as tf
        from tensorflow.python.framework.convert_to_constants import _run_inline_graph_optimization
        from tf2onnx import tf_loader

        names = [tensor.name for tensor in self._outputs.values()]
        kept = [name.split(":")[0] for name in (*names, *self._inputs)]
        function = _function(self._session.graph, self._inputs, names)
        inlined = _run_inline_graph_optimization(function, lower_control_flow=False, aggressive_inlining=True)
        inlined = tf.compat.v1.graph_util.extract_sub_graph(inlined, kept)
        tensorflow.refuse_writes(_names(inlined))
        definition = tf.compat.v1.graph_util.convert_variables_to_constants(self._session, inlined, kept)
        tables = self._tables(definition)
        for node in _nodes(definition):
            node.attr.pop("_output_shapes", None)  # stale, and believed
        with tf.Graph().as_default() as graph, tf.device("/cpu:0"):
            tf.import_graph_def(definition, name="")
            definition = graph.as_graph_def(add_shapes=True)
            return tf_loader.tf_optimize(list(self._inputs), names, definition), tables

    def _tables(self, definition: Any) -> dict[bytes, Any]:
        """Keys and values of each table in the graph, in the order of its keys."""
        import numpy as np
        from tensorflow.python.ops import gen_lookup_ops
        from tf2onnx.tf_utils import get_hash_table_info

        found = {}
        for table in get_hash_table_info(definition):
            if table.shared_name is None:
                continue
            with self._session.graph.as_default():
                handle = gen_lookup_ops.hash_table_v2(table.key_dtype, table.val_dtype, shared_name=table.shared_name)
                exported = gen_lookup_ops.lookup_table_export_v2(handle, table.key_dtype, table.val_dtype)
            keys, values = self._session.run(exported)
            order = np.argsort(keys)
            found[table.shared_name] = (keys[order], values[order])
        return found


def _function(graph: Any, inputs: Iterable[str], outputs: Iterable[str]) -> SimpleNamespace:
    """The graph as TensorFlow's inlining takes it, without what forbids it: a wish to be compiled."""
    import tensorflow as tf

    definition = graph.as_graph_def()
    for one in (*_nodes(definition), *definition.library.function):
        for attribute in _UNWISHED:
            one.attr.pop(attribute, None)
    with tf.Graph().as_default() as plain:
        tf.import_graph_def(definition, name="")
    tensors = ([plain.get_tensor_by_name(name) for name in names] for names in (inputs, outputs))
    return SimpleNamespace(graph=plain, **dict(zip(("inputs", "outputs"), tensors, strict=True)))


def _nodes(definition: Any) -> Iterator[Any]:
    yield from definition.node
    for function in definition.library.function:
        yield from function.node_def


def _names(definition: Any) -> set[str]:
    return {node.op for node in _nodes(definition)}

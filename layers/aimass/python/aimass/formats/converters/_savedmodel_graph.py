"""The graph of a SavedModel that was loaded: its functions written out, its tables, where its answers come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

from aimass.domain.errors import ConversionFailed

_UNWISHED = ("_XlaMustCompile", "_noinline")


def inlined(graph: Any, inputs: Iterable[str], outputs: Iterable[str]) -> Any:
    """Its definition, with what functions do in their place."""
    from tensorflow.python.framework.convert_to_constants import _run_inline_graph_optimization

    function = _function(graph, inputs, outputs)
    return _run_inline_graph_optimization(function, lower_control_flow=False, aggressive_inlining=True)


def _function(graph: Any, inputs: Iterable[str], outputs: Iterable[str]) -> SimpleNamespace:
    """The graph as TensorFlow's inlining takes it, without what forbids it: a wish to be compiled."""
    import tensorflow as tf

    definition = graph.as_graph_def()
    for one in (*nodes(definition), *definition.library.function):
        for attribute in _UNWISHED:
            one.attr.pop(attribute, None)
    with tf.Graph().as_default() as plain:
        tf.import_graph_def(definition, name="")
    tensors = ([plain.get_tensor_by_name(name) for name in names] for names in (inputs, outputs))
    return SimpleNamespace(graph=plain, **dict(zip(("inputs", "outputs"), tensors, strict=True)))


def nodes(definition: Any) -> Iterator[Any]:
    """All nodes, those of functions too."""
    yield from definition.node
    for function in definition.library.function:
        yield from function.node_def


def sources(definition: Any, outputs: Iterable[str]) -> list[str]:
    """For each node its own name or, as far as it only hands on, the name of the one that it has its value from."""
    there = {node.name: node for node in definition.node}
    return [_source(there, name) for name in outputs]


def _source(there: dict[str, Any], name: str) -> str:
    while (node := there.get(name)) is not None and node.op == "Identity":
        name = node.input[0].split(":")[0]
    return name


def tables(session: Any, definition: Any) -> dict[bytes, Any]:
    """Keys and values of each table in the graph, ordered by keys, by its shared name. Raises ConversionFailed."""
    import numpy as np
    from tensorflow.python.ops import gen_lookup_ops
    from tf2onnx.tf_utils import get_hash_table_info

    found = {}
    for table in get_hash_table_info(definition):
        if table.shared_name is None:
            continue
        with session.graph.as_default():
            handle = gen_lookup_ops.hash_table_v2(table.key_dtype, table.val_dtype, shared_name=table.shared_name)
            exported = gen_lookup_ops.lookup_table_export_v2(handle, table.key_dtype, table.val_dtype)
        keys, values = _run(session, exported)
        order = np.argsort(keys)
        found[table.shared_name] = (keys[order], values[order])
    return found


def _run(session: Any, exported: Any) -> Any:
    """Raises ConversionFailed where nothing has filled the table."""
    import tensorflow as tf

    try:
        return session.run(exported)
    except tf.errors.OpError:
        text = "it looks words up in a table that is empty: a Keras file in HDF5 does not keep them"
        raise ConversionFailed(f"{text}; save the model as model.keras, or export the part behind the table") from None

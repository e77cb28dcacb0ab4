"""An ONNX graph as a pruner needs it: who makes and who reads each tensor, what is constant, what must stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper, shape_inference

from aimass.compression.model_file import graphs_within

Array = NDArray[Any]
#: Constants of more elements are weights; fewer may be limits or scales that shape inference looks at.
SMALL = 64
_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)


class Graph:
    """A model's main graph. `Constant` nodes become initializers; stated inner shapes, which may be stale, go.

    `readers` counts for each tensor the inputs of nodes that read it, subgraphs' too. `pinned` are tensors that someone
    outside the graph's own nodes sees: its outputs and what subgraphs capture. `overridable` are initializers that are
    inputs as well. `shapes` has what shape inference knows; a dimension is None where it is not fixed.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self.proto = model.graph
        if _lift_constants(self.proto):
            model.ir_version = max(model.ir_version, 4)  # from here on an initializer need not be an input
        del self.proto.value_info[:]
        self.nodes: list[onnx.NodeProto] = list(self.proto.node)
        self.initializers = {tensor.name: tensor for tensor in self.proto.initializer}
        self.overridable = {one.name for one in self.proto.input} & set(self.initializers)
        captured = {name for node in self.nodes for name in _captured(node)}
        self.pinned = captured | {one.name for one in self.proto.output}
        self.readers = Counter(name for node in self.nodes for name in node.input)
        self.readers.update(captured)
        self.shapes = _shapes(model)
        self._arrays: dict[str, Array] = {}

    def constant(self, name: str) -> Array | None:
        """The value of an initializer that nothing can override."""
        if name not in self.initializers or name in self.overridable:
            return None
        if name not in self._arrays:
            self._arrays[name] = numpy_helper.to_array(self.initializers[name])
        return self._arrays[name]

    def private(self, name: str) -> bool:
        """One input of one node reads the initializer, and no one else does."""
        return self.readers[name] == 1 and name not in self.pinned and name not in self.overridable

    def rank(self, name: str) -> int | None:
        shape = self.shapes.get(name)
        return None if shape is None else len(shape)

    def readers_of(self, name: str) -> Iterator[onnx.NodeProto]:
        return (node for node in self.nodes if name in node.input)


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}


def _lift_constants(graph: onnx.GraphProto) -> bool:
    kept = []
    for node in graph.node:
        tensors = [one.t for one in node.attribute if one.name == "value" and one.type == onnx.AttributeProto.TENSOR]
        if node.op_type == "Constant" and node.domain in ("", "ai.onnx") and tensors:
            graph.initializer.add().CopyFrom(tensors[0])
            graph.initializer[-1].name = node.output[0]
        else:
            kept.append(onnx.NodeProto.FromString(node.SerializeToString()))
    lifted = len(kept) < len(graph.node)
    if lifted:
        del graph.node[:]
        graph.node.extend(kept)
    return lifted


def _captured(node: onnx.NodeProto) -> set[str]:
    """Every name that subgraphs of a node read; those they make themselves among them do no harm."""
    names: set[str] = set()
    for graph in graphs_within(node):
        names.update(output.name for output in graph.output)
        for inner in graph.node:
            names |= reads(inner)
    return names


def reads(node: onnx.NodeProto) -> set[str]:
    """The names that a node reads, and its subgraphs."""
    return _captured(node).union(node.input)


def _shapes(model: onnx.ModelProto) -> dict[str, list[int | None]]:
    """Shapes from inference, which needs no weights, only their dimensions; empty where it fails."""
    graph = onnx.GraphProto(name="shapes", node=model.graph.node, input=model.graph.input, output=model.graph.output)
    for tensor in model.graph.initializer:
        weight = tensor.data_type in _FLOATS and int(np.prod(tensor.dims)) > SMALL
        small = onnx.TensorProto(name=tensor.name, dims=tensor.dims, data_type=tensor.data_type)
        graph.initializer.append(small if weight else tensor)
    light = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import, graph=graph)
    try:
        graph = shape_inference.infer_shapes(light, data_prop=True).graph
    except Exception:  # whatever a stranger's graph makes of the inferrer, it knows nothing then
        return {}
    values = [*graph.value_info, *graph.input, *graph.output]
    found: dict[str, list[int | None]] = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    for value in values:
        if value.type.HasField("tensor_type") and value.type.tensor_type.HasField("shape"):
            dims = value.type.tensor_type.shape.dim
            found[value.name] = [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]
    return found

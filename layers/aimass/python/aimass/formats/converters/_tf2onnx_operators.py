"""Operators that tf2onnx 1.17 lacks: intervals, and both ways to write a GELU (https://arxiv.org/abs/1606.08415)."""

from __future__ import annotations

import math
from typing import Any

_FIRST_OPSET = 13  # with Erf, and axes as inputs


def register() -> None:
    """Makes tf2onnx know them, in this process."""
    from tf2onnx.handler import tf_op, tfl_op

    tf_op("Erfc")(_handler(_erfc))
    tf_op("Bucketize")(_handler(_bucketize))
    tfl_op("TFL_GELU")(_handler(_gelu))


def _handler(write: Any) -> type:
    return type(write.__name__, (), {f"version_{_FIRST_OPSET}": classmethod(write)})


def _erfc(_: type, graph: Any, node: Any, **__: Any) -> None:
    """1 - erf(x)."""
    new = _Nodes(graph, node)
    new.replace(node, "Sub", new.constant(1.0), new("Erf", node.input[0]))


def _bucketize(_: type, graph: Any, node: Any, **__: Any) -> None:
    """How many boundaries are not above x, whose type they get: floats, so that a NaN has none above it, too."""
    import numpy as np
    from onnx import TensorProto
    from tf2onnx.utils import make_name

    kind = TensorProto.DOUBLE if graph.get_dtype(node.input[0]) != TensorProto.FLOAT else TensorProto.FLOAT
    floats = np.float64 if kind == TensorProto.DOUBLE else np.float32
    bounds = graph.make_const(make_name("boundaries"), np.array(node.get_attr_value("boundaries"), floats))
    last = graph.make_const(make_name("last"), np.array([-1], np.int64))
    made = graph.make_node("Cast", [node.input[0]], attr={"to": kind}).output[0]
    made = graph.make_node("Unsqueeze", [made, last.output[0]]).output[0]
    made = graph.make_node("Less", [made, bounds.output[0]]).output[0]
    made = graph.make_node("Cast", [graph.make_node("Not", [made]).output[0]], attr={"to": TensorProto.INT32}).output[0]
    new = _Nodes(graph, node)
    new.replace(node, "ReduceSum", made, last.output[0], attr={"keepdims": 0})


def _gelu(_: type, graph: Any, node: Any, **__: Any) -> None:
    """x/2 · (1 + erf(x/√2)), or its approximation x/2 · (1 + tanh(√(2/π) · (x + 0.044715·x³)))."""
    x, new = node.input[0], _Nodes(graph, node)
    if node.get_attr_value("approximate", False):
        cubed = new("Mul", new("Mul", x, x), new("Mul", x, new.constant(0.044715)))
        inner = new("Tanh", new("Mul", new("Add", x, cubed), new.constant(math.sqrt(2 / math.pi))))
    else:
        inner = new("Erf", new("Div", x, new.constant(math.sqrt(2))))
    new.replace(node, "Mul", new("Mul", x, new.constant(0.5)), new("Add", inner, new.constant(1.0)))


class _Nodes:
    """Makes nodes and constants of a node's type; a call gives the new node's output."""

    def __init__(self, graph: Any, node: Any) -> None:
        self._graph, self._dtype = graph, graph.get_dtype(node.input[0])

    def __call__(self, operator: str, *inputs: str) -> str:
        return str(self._graph.make_node(operator, list(inputs), dtypes=[self._dtype]).output[0])

    def constant(self, value: float) -> str:
        import numpy as np
        from tf2onnx.utils import make_name, map_onnx_to_numpy_type

        array = np.array(value, map_onnx_to_numpy_type(self._dtype))
        return str(self._graph.make_const(make_name("constant"), array).output[0])

    def replace(self, node: Any, operator: str, *inputs: str, **options: Any) -> None:
        """Puts a new node in the place of the old one."""
        outputs, dtypes, shapes = node.output, node.output_dtypes, node.output_shapes
        self._graph.remove_node(node.name)
        self._graph.make_node(operator, list(inputs), outputs=outputs, dtypes=dtypes, shapes=shapes, **options)

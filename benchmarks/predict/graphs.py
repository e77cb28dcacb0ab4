"""The loads' models: real layers, made-up weights, so that nothing needs downloading. Opset 17, float32."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, checker, helper, numpy_helper

VOCABULARY, SEQUENCE = 8192, 32
WIDTH, HEADS, LAYERS = 384, 12, 6
# MobileNetV2's table: expansion, channels, blocks, first stride.
BLOCKS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


@dataclass
class Graph:
    """Nodes in order; each call returns the name of what it computes."""

    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))
    nodes: list[NodeProto] = field(default_factory=list)
    weights: list[TensorProto] = field(default_factory=list)

    def node(self, op: str, *inputs: str, **attributes: object) -> str:
        output = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], **attributes))
        return output

    def constant(self, value: NDArray[np.generic] | np.generic) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def weight(self, *shape: int) -> str:
        """Scaled by what feeds one output, so that values neither vanish nor grow layer by layer."""
        fan_in = shape[0] if len(shape) == 2 else int(np.prod(shape[1:]))
        return self.constant((self.random.standard_normal(shape) * np.sqrt(2 / max(fan_in, 1))).astype(np.float32))

    def dense(self, x: str, inputs: int, outputs: int) -> str:
        product = self.node("MatMul", x, self.weight(inputs, outputs))
        return self.node("Add", product, self.constant(np.zeros(outputs, np.float32)))

    def conv(self, x: str, inputs: int, outputs: int, size: int, stride: int = 1, group: int = 1) -> str:
        weight = self.weight(outputs, inputs // group, size, size)
        bias = self.constant(np.zeros(outputs, np.float32))
        pads = [size // 2] * 4
        return self.node("Conv", x, weight, bias, strides=[stride] * 2, pads=pads, group=group)

    def relu6(self, x: str) -> str:
        return self.node("Clip", x, self.constant(np.float32(0)), self.constant(np.float32(6)))

    def norm(self, x: str) -> str:
        scale, bias = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)
        return self.node("LayerNormalization", x, self.constant(scale), self.constant(bias), epsilon=1e-5)

    def model(self, inputs: list[ValueInfoProto], last: str, shape: list[str | int]) -> bytes:
        self.nodes.append(helper.make_node("Identity", [last], ["y"]))
        output = helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)
        graph = helper.make_graph(self.nodes, "load", inputs, [output], self.weights)
        model: ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        checker.check_model(model)
        data: bytes = model.SerializeToString()
        return data


def mlp() -> bytes:
    """4-16-3: a call costs what surrounds it."""
    graph = Graph()
    hidden = graph.node("Relu", graph.dense("x", 4, 16))
    return graph.model([_input("x", 4)], graph.node("Softmax", graph.dense(hidden, 16, 3), axis=-1), ["n", 3])


def small_cnn() -> bytes:
    """Two convolutions and two dense layers on 1x28x28."""
    graph = Graph()
    x, channels = "x", 1
    for outputs in (16, 32):
        x = graph.node("Relu", graph.conv(x, channels, outputs, 3))
        x, channels = graph.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), outputs
    hidden = graph.node("Relu", graph.dense(graph.node("Flatten", x), 32 * 7 * 7, 64))
    return graph.model([_input("x", 1, 28, 28)], graph.dense(hidden, 64, 10), ["n", 10])


def classifier() -> bytes:
    """MobileNetV2's layers: 3x224x224 to 1000 classes, 3.5 million weights."""
    graph = Graph()
    x, channels = graph.relu6(graph.conv("x", 3, 32, 3, stride=2)), 32
    for expansion, outputs, count, first in BLOCKS:
        for number in range(count):
            x = _inverted_residual(graph, x, channels, outputs, expansion, first if number == 0 else 1)
            channels = outputs
    x = graph.relu6(graph.conv(x, channels, 1280, 1))
    pooled = graph.node("Flatten", graph.node("GlobalAveragePool", x))
    return graph.model([_input("x", 3, 224, 224)], graph.dense(pooled, 1280, 1000), ["n", 1000])


def encoder() -> bytes:
    """A sentence encoder of MiniLM's size, its vocabulary cut to 8,192; mean-pooled, of length one."""
    graph = Graph()
    words = graph.node("Gather", graph.weight(VOCABULARY, WIDTH), "input_ids")
    kinds = graph.node("Gather", graph.weight(2, WIDTH), "token_type_ids")
    x = graph.norm(graph.node("Add", graph.node("Add", words, kinds), graph.weight(SEQUENCE, WIDTH)))
    mask = graph.node("Cast", "attention_mask", to=TensorProto.FLOAT)
    one = graph.constant(np.float32(1))
    far = graph.node("Mul", graph.node("Sub", one, mask), graph.constant(np.float32(-1e4)))
    hidden_pairs = graph.node("Unsqueeze", far, graph.constant(np.array([1, 2])))
    for _ in range(LAYERS):
        x = graph.norm(graph.node("Add", x, _attention(graph, x, hidden_pairs)))
        x = graph.norm(graph.node("Add", x, _feed_forward(graph, x)))
    kept = graph.node("Unsqueeze", mask, graph.constant(np.array([2])))
    total = graph.node("ReduceSum", graph.node("Mul", x, kept), graph.constant(np.array([1])), keepdims=0)
    mean = graph.node("Div", total, graph.node("ReduceSum", kept, graph.constant(np.array([1])), keepdims=0))
    names = ("input_ids", "attention_mask", "token_type_ids")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", SEQUENCE]) for name in names]
    return graph.model(inputs, graph.node("LpNormalization", mean, axis=-1, p=2), ["n", WIDTH])


def _input(name: str, *shape: int) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])


def _inverted_residual(graph: Graph, x: str, inputs: int, outputs: int, expansion: int, stride: int) -> str:
    wide = inputs * expansion
    inner = graph.relu6(graph.conv(x, inputs, wide, 1)) if expansion > 1 else x
    inner = graph.relu6(graph.conv(inner, wide, wide, 3, stride, group=wide))
    inner = graph.conv(inner, wide, outputs, 1)
    return graph.node("Add", x, inner) if stride == 1 and inputs == outputs else inner


def _attention(graph: Graph, x: str, hidden_pairs: str) -> str:
    split = graph.constant(np.array([0, SEQUENCE, HEADS, WIDTH // HEADS]))

    def heads(perm: list[int]) -> str:
        return graph.node("Transpose", graph.node("Reshape", graph.dense(x, WIDTH, WIDTH), split), perm=perm)

    query, key, value = heads([0, 2, 1, 3]), heads([0, 2, 3, 1]), heads([0, 2, 1, 3])
    scale = graph.constant(np.float32((WIDTH // HEADS) ** -0.5))
    scores = graph.node("Add", graph.node("Mul", graph.node("MatMul", query, key), scale), hidden_pairs)
    mixed = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), value)
    joined = graph.node("Transpose", mixed, perm=[0, 2, 1, 3])
    flat = graph.node("Reshape", joined, graph.constant(np.array([0, SEQUENCE, WIDTH])))
    return graph.dense(flat, WIDTH, WIDTH)


def _feed_forward(graph: Graph, x: str) -> str:
    wide = graph.dense(x, WIDTH, 4 * WIDTH)
    root = graph.constant(np.float32(2**0.5))
    error = graph.node("Erf", graph.node("Div", wide, root))
    gelu = graph.node("Mul", wide, graph.node("Add", error, graph.constant(np.float32(1))))
    return graph.dense(graph.node("Mul", gelu, graph.constant(np.float32(0.5))), 4 * WIDTH, WIDTH)

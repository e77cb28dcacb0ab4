"""Small graphs, written node by node."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Net:
    """Collects nodes and random weights; every method returns the name of what it adds."""

    def __init__(self, seed: int = 0, opset: int = 17) -> None:
        self.random = np.random.default_rng(seed)
        self.opset = opset
        self.nodes: list[Any] = []
        self.weights: dict[str, np.ndarray] = {}
        self.widths: dict[str, int] = {}

    def weight(self, *shape: int, scale: float = 0.3, name: str = "") -> str:
        name = name or f"w{len(self.weights)}"
        self.weights[name] = (self.random.standard_normal(shape) * scale).astype(np.float32)
        return name

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        name = f"c{len(self.weights)}"
        self.weights[name] = np.array(value, dtype=dtype)
        return name

    def add(self, op: str, *inputs: str, width: int = 0, domain: str = "", **given: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], domain=domain, **given))
        self.widths[name] = width or self.widths.get(inputs[0], 0)
        return name

    def conv(self, x: str, width: int, kernel: int = 3, name: str = "", bias: bool = True, **given: Any) -> str:
        weight = self.weight(width, self.widths[x] // given.get("group", 1), kernel, kernel, name=name)
        extra = [self.weight(width)] if bias else []
        given = {"pads": [kernel // 2] * 4, **given}
        return self.add("Conv", x, weight, *extra, width=width, **given)

    def depthwise(self, x: str, times: int = 1) -> str:
        return self.conv(x, self.widths[x] * times, group=self.widths[x])

    def norm(self, x: str) -> str:
        width = self.widths[x]
        positive = self.constant(self.random.uniform(0.5, 2, width), np.float32)
        return self.add("BatchNormalization", x, self.weight(width), self.weight(width), self.weight(width), positive)

    def gemm(self, x: str, inputs: int, width: int, name: str = "") -> str:
        return self.add("Gemm", x, self.weight(width, inputs, name=name), self.weight(width), width=width, transB=1)

    def model(
        self, output: str, shape: tuple[Any, ...] = ("n", 3, 8, 8), more: tuple[str, ...] = (), tidy: bool = False
    ) -> Any:
        """A model of input `x`; `more` are initializers that are inputs too. A tidy one states its output's shape."""
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
        inputs += [helper.make_tensor_value_info(n, TensorProto.FLOAT, self.weights[n].shape) for n in more]
        tensors = [numpy_helper.from_array(value, name) for name, value in self.weights.items()]
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ("n", None) if tidy else None)]
        graph = helper.make_graph(self.nodes, "net", inputs, outputs, tensors)
        imports = [helper.make_opsetid("", self.opset), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=imports, ir_version=8)


def image(seed: int = 0, opset: int = 17, width: int = 3) -> Net:
    net = Net(seed, opset)
    net.widths["x"] = width
    return net


def head(net: Net, x: str, classes: int = 5) -> str:
    """Average of the image, then a layer."""
    pooled = net.add("Flatten", net.add("GlobalAveragePool", x), axis=1)
    return net.gemm(pooled, net.widths[x], classes)


def removable(model: onnx.ModelProto) -> dict[str, int]:
    """How many channels of each group could go."""
    from aimass.compression.graph.groups import read_channels

    return {group.name: len(group.roots) for group in read_channels(model).groups}

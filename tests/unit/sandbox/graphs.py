"""Small ONNX models, built where they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

node = helper.make_node
FLOAT = TensorProto.FLOAT
INT64 = TensorProto.INT64


def value(name: str, shape: Sequence[int | str | None] | None = (2,), element: int = FLOAT) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, element, shape)


def weight(name: str, array: Any) -> TensorProto:
    return numpy_helper.from_array(np.asarray(array), name)


def model(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto] = (),
    outputs: Sequence[ValueInfoProto] = (),
    weights: Sequence[TensorProto] = (),
    opset: dict[str, int] | None = None,
    ir_version: int = 8,
    **fields: Any,
) -> ModelProto:
    graph = helper.make_graph(list(nodes), "graph", list(inputs), list(outputs), list(weights))
    imports = [helper.make_opsetid(domain, version) for domain, version in (opset or {"": 17}).items()]
    return helper.make_model(graph, opset_imports=imports, ir_version=ir_version, **fields)


def relu(shape: Sequence[int | str | None] = (2,), element: int = FLOAT) -> ModelProto:
    return model([node("Relu", ["x"], ["y"])], [value("x", shape, element)], [value("y", shape, element)])


def external(name: str, shape: Sequence[int], location: str, **entries: int) -> TensorProto:
    """A float tensor whose bytes lie in another file."""
    tensor = TensorProto(name=name, data_type=FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
    for key, text in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(text))
    return tensor


def add_external(location: str, **entries: int) -> ModelProto:
    """y = x + w, two floats of external data."""
    return model(
        [node("Add", ["x", "w"], ["y"])], [value("x")], [value("y")], [external("w", [2], location, **entries)]
    )


def endless_loop() -> ModelProto:
    """Loops for as long as a condition holds that is always true."""
    body = helper.make_graph(
        [node("Identity", ["go"], ["go_on"]), node("Identity", ["state"], ["next"])],
        "body",
        [value("i", [], INT64), value("go", [], TensorProto.BOOL), value("state", [1])],
        [value("go_on", [], TensorProto.BOOL), value("next", [1])],
    )
    return model(
        [node("Loop", ["", "yes", "x"], ["y"], body=body)],
        [value("x", [1])],
        [value("y", [1])],
        [weight("yes", np.array(True))],
    )


def hungry(gigabytes: int) -> ModelProto:
    """Makes a tensor of that size; the size is computed when it runs, so that no optimiser makes it sooner."""
    elements = gigabytes << 28
    return model(
        [
            node("Shape", ["x"], ["ones"]),
            node("Mul", ["ones", "size"], ["shape"]),
            node("ConstantOfShape", ["shape"], ["large"]),
            node("ReduceSum", ["large"], ["y"], keepdims=0),
        ],
        [value("x", ["n"])],
        [value("y", [])],
        [weight("size", np.array([elements], np.int64))],
    )


def slow_to_load(*, at_random: bool) -> ModelProto:
    """Multiplies large constants, which the runtime does when it loads the model; the product is one number.

    `at_random`: what it answers, so that there is no telling whether an optimised graph is right.
    """
    products = [node("MatMul", [f"p{turn}", "p0"], [f"p{turn + 1}"]) for turn in range(8)]
    proto = model(
        [
            node("ConstantOfShape", ["shape"], ["p0"], value=weight("", np.array([1e-3], np.float32))),
            *products,
            node("ReduceSum", [f"p{len(products)}"], ["sum"], keepdims=0),
            node("Add", ["x", "sum"], ["y"]),
        ],
        [value("x")],
        [value("y")],
        [weight("shape", np.array([1000, 1000]))],
    )
    if at_random:
        proto.graph.node.append(node("RandomNormalLike", ["x"], ["z"]))
        proto.graph.output.append(value("z"))
    return proto


def write(folder: Path, proto: ModelProto, name: str = "model.onnx") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(proto.SerializeToString())
    return path

"""Products with a matrix of weights, which are rewritten node by node."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from onnx import helper

from aimass.compression.passes._quantizer import captured, weighted

OPERATORS = ("MatMul", "Gemm")


def products(model: Any) -> dict[str, int]:
    """MatMul and plain Gemm whose second input is a constant float matrix, by name, with its elements."""
    matrices = {tensor.name for tensor in model.graph.initializer if len(tensor.dims) == 2 and 0 not in tensor.dims}
    names = {node.name for node in model.graph.node if node.op_type in OPERATORS and _plain(node, matrices)}
    return {name: size for name, size in weighted(model, OPERATORS).items() if name in names}


def _plain(node: Any, matrices: set[str]) -> bool:
    said = _attributes(node)
    factors = (said.get("alpha", 1.0), said.get("beta", 1.0))
    return len(node.input) > 1 and node.input[1] in matrices and not said.get("transA") and factors == (1.0, 1.0)


def transposed(node: Any) -> bool:
    """Whether the matrix is [outputs, inputs]."""
    return bool(_attributes(node).get("transB"))


def _attributes(node: Any) -> dict[str, Any]:
    return {one.name: helper.get_attribute_value(one) for one in node.attribute}


def drop_unread(model: Any, candidates: Iterable[str]) -> None:
    """Those of the initializers that nothing reads any more."""
    read = {name for node in model.graph.node for name in node.input} | captured(model)
    read |= {value.name for value in model.graph.output}
    unread = set(candidates) - read
    for tensor in [one for one in model.graph.initializer if one.name in unread]:
        model.graph.initializer.remove(tensor)

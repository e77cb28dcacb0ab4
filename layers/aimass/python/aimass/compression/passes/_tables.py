"""Embedding tables in eight bits, a scale for each row: a lookup reads few rows, so unpacking costs nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from aimass.compression.passes._quantizer import captured

_LEAST_ELEMENTS = 16_384
_LEVELS = 127


def tables(model: Any) -> dict[str, int]:
    """Lookups in float tables of rows, by the node's name, with the table's elements."""
    readers = Counter(name for node in model.graph.node for name in node.input)
    taken = captured(model) | {value.name for value in (*model.graph.output, *model.graph.input)}
    found = {
        tensor.name: int(np.prod(tensor.dims, dtype=np.int64))
        for tensor in model.graph.initializer
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 2 and tensor.dims[1] > 1
        if readers[tensor.name] == 1 and tensor.name not in taken
    }
    return {
        node.name: found[node.input[0]]
        for node in model.graph.node
        if node.op_type == "Gather" and node.domain == "" and found.get(node.input[0], 0) >= _LEAST_ELEMENTS
        if not any(attribute.name == "axis" and attribute.i for attribute in node.attribute)
    }


def pack_tables(model: Any, names: set[str]) -> None:
    """Gather(table) becomes Gather(rows in eight bits) x Gather(scales)."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        if node.name not in names:
            nodes.append(node)
            continue
        table, indices, output = node.input[0], node.input[1], node.output[0]
        rows, scales = by_rows(numpy_helper.to_array(weights[table]))
        model.graph.initializer.remove(weights[table])
        model.graph.initializer.extend(
            (numpy_helper.from_array(rows, f"{table}/rows8"), numpy_helper.from_array(scales, f"{table}/scales"))
        )
        nodes += [
            helper.make_node("Gather", [f"{table}/rows8", indices], [f"{output}/rows8"], f"{node.name}/rows8"),
            helper.make_node("Gather", [f"{table}/scales", indices], [f"{output}/scales"], f"{node.name}/scales"),
            helper.make_node(
                "Cast", [f"{output}/rows8"], [f"{output}/floats"], f"{node.name}/floats", to=TensorProto.FLOAT
            ),
            helper.make_node("Mul", [f"{output}/floats", f"{output}/scales"], [output], node.name),
        ]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def by_rows(table: Any) -> tuple[Any, Any]:
    """int8 [rows, columns] and float32 [rows, 1], whose product is nearest to the table."""
    largest = np.abs(table).max(axis=1, keepdims=True)
    scales = np.where(largest > 0, largest / _LEVELS, 1).astype(np.float32)
    return np.clip(np.rint(table / scales), -_LEVELS, _LEVELS).astype(np.int8), scales

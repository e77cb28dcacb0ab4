"""Embedding tables in eight bits, a scale for each row, or in four, a scale for each block of a row.

A lookup reads few rows, so unpacking costs nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from aimass.compression.passes._blocks import nearest, two_a_byte
from aimass.compression.passes._quantizer import captured

_LEAST_ELEMENTS = 16_384
_LEVELS = 127
_BLOCK = 64
_DOMAIN = "com.microsoft"


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


def pack_tables(model: Any, names: set[str], bits: int = 8) -> dict[str, int]:
    """Lookups read their tables in so many bits, eight where four do not divide a row. Says in how many, by name."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes, done = [], {}
    for node in model.graph.node:
        if node.name not in names:
            nodes.append(node)
            continue
        table = weights[node.input[0]]
        done[node.name] = 4 if bits == 4 and table.dims[1] % _BLOCK == 0 else 8
        made, arrays = (_in_blocks if done[node.name] == 4 else _in_rows)(node, numpy_helper.to_array(table))
        model.graph.initializer.remove(table)
        model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in arrays.items())
        nodes += made
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    if 4 in done.values() and all(entry.domain != _DOMAIN for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid(_DOMAIN, 1))
    return done


def _in_rows(node: Any, table: Any) -> tuple[list[Any], dict[str, Any]]:
    """Gather(table) becomes Gather(rows in eight bits) x Gather(scales)."""
    name, indices, output = node.input[0], node.input[1], node.output[0]
    rows, scales = by_rows(table)
    floats = [f"{output}/floats"]
    return [
        helper.make_node("Gather", [f"{name}/rows8", indices], [f"{output}/rows8"], f"{node.name}/rows8"),
        helper.make_node("Gather", [f"{name}/scales", indices], [f"{output}/scales"], f"{node.name}/scales"),
        helper.make_node("Cast", [f"{output}/rows8"], floats, f"{node.name}/floats", to=TensorProto.FLOAT),
        helper.make_node("Mul", [*floats, f"{output}/scales"], [output], node.name),
    ], {f"{name}/rows8": rows, f"{name}/scales": scales}


def _in_blocks(node: Any, table: Any) -> tuple[list[Any], dict[str, Any]]:
    """Gather(table) becomes GatherBlockQuantized."""
    name, (rows, columns) = node.input[0], table.shape
    whole, scales = nearest(table.reshape(rows, -1, _BLOCK), 4)
    read = [f"{name}/blocks4", node.input[1], f"{name}/scales"]
    said = {"bits": 4, "block_size": _BLOCK, "gather_axis": 0, "quantize_axis": 1}
    made = helper.make_node("GatherBlockQuantized", read, [node.output[0]], node.name, domain=_DOMAIN, **said)
    return [made], {read[0]: two_a_byte(whole.reshape(rows, columns)), read[2]: scales.reshape(rows, -1)}


def by_rows(table: Any) -> tuple[Any, Any]:
    """int8 [rows, columns] and float32 [rows, 1], whose product is nearest to the table."""
    largest = np.abs(table).max(axis=1, keepdims=True)
    scales = np.where(largest > 0, largest / _LEVELS, 1).astype(np.float32)
    return np.clip(np.rint(table / scales), -_LEVELS, _LEVELS).astype(np.int8), scales

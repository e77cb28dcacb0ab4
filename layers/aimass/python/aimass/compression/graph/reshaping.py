"""Operators that move channels to another dimension, or look at another dimension than theirs."""

from __future__ import annotations

from math import prod

import numpy as np
import onnx

from aimass.compression.graph.channels import Channels, Count, Trace, has
from aimass.compression.graph.reading import attributes


def transpose(trace: Trace, index: int, node: onnx.NodeProto) -> bool:
    source, rank = trace.at.get(node.input[0]), trace.graph.rank(node.input[0])
    order = attributes(node).get("perm") or (None if rank is None else list(range(rank))[::-1])
    if source is None or order is None:
        return False
    trace.put(node.output[0], Channels(order.index(len(order) + source.axis) - len(order), source.atoms))
    return True


def regroup(trace: Trace, index: int, node: onnx.NodeProto) -> bool:
    """Flatten, Squeeze, Unsqueeze: the same elements in a row, under other dimensions."""
    found = _regrouped(trace, node)
    if found is not None:
        trace.put(node.output[0], found)
    return found is not None


def reshape(trace: Trace, index: int, node: onnx.NodeProto) -> bool:
    _assume(trace, node)
    found, source = _regrouped(trace, node), trace.at.get(node.input[0])
    if found is None or source is None:
        return False
    shape, rank = trace.graph.shapes[node.output[0]], trace.graph.rank(node.input[0])
    element, size = len(shape) + found.axis, shape[found.axis]
    slot = _written(trace, node, element)
    if slot is None or rank is None:
        return False
    constant, at, value = slot
    if value == size and value > 0:
        trace.counts.append(Count(index, 1, at, found.atoms, constant))
    elif value == 0 and not attributes(node).get("allowzero", 0):
        if rank + source.axis != element or len(source.atoms) != len(found.atoms):
            return False
    elif value != -1:
        return False
    trace.put(node.output[0], found)
    return True


def _assume(trace: Trace, node: onnx.NodeProto) -> None:
    """A last dimension that is to take what is left takes the channels and all behind them, the usual `view(n, -1)`.

    If it does not, the layer that reads it does not fit, and its channels stay.
    """
    source, before = trace.at.get(node.input[0]), trace.graph.shapes.get(node.input[0])
    target = trace.graph.shapes.get(node.input[1])
    unknown: list[int | None] = [None] * (target[0] or 0) if target else []
    after = trace.graph.shapes.setdefault(node.output[0], unknown)
    if source is None or before is None or not after or after[-1] is not None:
        return
    behind = [size for size in before[source.axis :][1:] if size is not None]
    slot = _written(trace, node, len(after) - 1)
    if slot is not None and slot[2] == -1 and len(behind) == -source.axis - 1:
        after[-1] = len(source.atoms) * prod(behind)


def _regrouped(trace: Trace, node: onnx.NodeProto) -> Channels | None:
    """Where the channels are after a reshape: the dimensions from one on that hold as many elements as theirs did."""
    source = trace.at.get(node.input[0])
    before, after = trace.graph.shapes.get(node.input[0]), trace.graph.shapes.get(node.output[0])
    if source is None or before is None or after is None:
        return None
    behind = before[source.axis :][1:]
    if any(size is None for size in behind):
        return None
    row = np.repeat(source.atoms, prod(size for size in behind if size is not None))
    inner = 1
    for axis in range(-1, -len(after) - 1, -1):
        size = after[axis]
        if size is None or size == 0:
            return None
        if inner * size == len(row):
            atoms = row[::inner]
            return Channels(axis, atoms) if np.array_equal(np.repeat(atoms, inner), row) else None
        inner *= size
    return None


def _written(trace: Trace, node: onnx.NodeProto, element: int) -> tuple[str, int, int] | None:
    """The constant that says an element of a Reshape's shape, where in it, and the number there."""
    value = trace.constant(node, 1)
    if value is not None:
        return "", element, int(value[element])
    maker = next((one for one in trace.graph.nodes if node.input[1] in one.output), None)
    if maker is None or maker.op_type != "Concat" or trace.graph.readers[node.input[1]] != 1:
        return None
    for slot, name in enumerate(maker.input):
        part, shape = trace.constant(maker, slot), trace.graph.shapes.get(name)
        count = part.size if part is not None else shape[0] if shape else None
        if count is None:
            return None
        if element < count:
            return (name, element, int(part[element])) if part is not None else None
        element -= count
    return None


def shape_of(trace: Trace, index: int, node: onnx.NodeProto) -> bool:
    """A tensor's shape is read: no harm, if only sizes of other dimensions are taken from it."""
    source, rank = trace.at.get(node.input[0]), trace.graph.rank(node.input[0])
    name = node.output[0]
    if source is None or rank is None or name in trace.graph.pinned or attributes(node):
        return False
    for reader in trace.graph.readers_of(name):
        taken = trace.constant(reader, 1) if reader.op_type == "Gather" and reader.input[0] == name else None
        if taken is None or any(int(at) % rank == rank + source.axis for at in np.ravel(taken)):
            return False
    return True


def gather(trace: Trace, index: int, node: onnx.NodeProto) -> bool:
    source, rank = trace.at.get(node.input[0]), trace.graph.rank(node.input[0])
    taken, axis = trace.constant(node, 1), attributes(node).get("axis", 0)
    if source is None or rank is None or taken is None:
        return False
    axis = axis if axis < 0 else axis - rank
    if axis == source.axis:
        return False
    moved = source.axis - (taken.ndim - 1) if axis > source.axis else source.axis
    trace.put(node.output[0], Channels(moved, source.atoms))
    return True


def slice_(trace: Trace, index: int, node: onnx.NodeProto) -> bool:
    source, rank = trace.at.get(node.input[0]), trace.graph.rank(node.input[0])
    axes = trace.constant(node, 3) if has(node, 3) else attributes(node).get("axes")
    if source is None or rank is None or axes is None:
        return False
    if source.axis in {int(axis) if axis < 0 else int(axis) - rank for axis in axes}:
        return False
    trace.put(node.output[0], source)
    return True

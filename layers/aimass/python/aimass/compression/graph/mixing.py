"""Layers that make new channels of old ones, and those that scale each channel by its own weights."""

from __future__ import annotations

import numpy as np
import onnx

from aimass.compression.graph.channels import Channels, Count, Layer, Trace, has, wide
from aimass.compression.graph.reading import Array, attributes


def carried(trace: Trace, name: str, axis: int) -> Channels | None:
    """The channels of a tensor that are expected along `axis`; those along any other are locked."""
    found = trace.at.get(name)
    if found is not None and found.axis != axis:
        trace.atoms.lock(found.atoms)
        return None
    return found


def second(trace: Trace, name: str) -> Channels | None:
    """The channels of a tensor if they are along its second dimension, as images have them."""
    found, rank = trace.at.get(name), trace.graph.rank(name)
    return found if found is not None and rank is not None and rank + found.axis == 1 else None


def conv(trace: Trace, index: int, node: onnx.NodeProto) -> bool:
    weight, group = trace.constant(node, 1), attributes(node).get("group", 1)
    if weight is None or weight.ndim < 3 or not _biased(trace, node, weight.shape[0]):
        return False
    source = carried(trace, node.input[0], 1 - weight.ndim)
    if group == 1:
        return _layer(trace, index, node, weight, source, (1, 0))
    if source is None or weight.shape[1] != 1 or len(source.atoms) != group:
        return False
    atoms = np.repeat(source.atoms, weight.shape[0] // group)
    trace.cut(index, 1, 0, atoms)
    _cut_bias(trace, index, node, atoms)
    trace.counts.append(Count(index, "group", 0, source.atoms))
    trace.put(node.output[0], Channels(source.axis, atoms))
    return True


def conv_transpose(trace: Trace, index: int, node: onnx.NodeProto) -> bool:
    weight, group = trace.constant(node, 1), attributes(node).get("group", 1)
    if weight is None or weight.ndim < 3 or group != 1 or not _biased(trace, node, weight.shape[1]):
        return False
    return _layer(trace, index, node, weight, carried(trace, node.input[0], 1 - weight.ndim), (0, 1))


def gemm(trace: Trace, index: int, node: onnx.NodeProto) -> bool:
    weight, given = trace.constant(node, 1), attributes(node)
    axes = (1, 0) if given.get("transB", 0) else (0, 1)
    if weight is None or weight.ndim != 2 or given.get("transA", 0):
        return False
    if has(node, 2) and trace.constant(node, 2) is None:
        return False
    return _layer(trace, index, node, weight, carried(trace, node.input[0], -1), axes)


def matmul(trace: Trace, index: int, node: onnx.NodeProto) -> bool:
    weight, source = trace.constant(node, 1), trace.at.get(node.input[0])
    if weight is None or weight.ndim != 2 or (source is not None and source.axis != -1):
        return False
    return _layer(trace, index, node, weight, source, (0, 1))


def per_channel(trace: Trace, index: int, node: onnx.NodeProto) -> bool:
    """BatchNormalization and InstanceNormalization: every input but the first is one number a channel."""
    source, given = second(trace, node.input[0]), attributes(node)
    if source is None or given.get("training_mode", 0) or len([name for name in node.output if name]) != 1:
        return False
    constants = [trace.constant(node, slot) for slot in range(1, len(node.input))]
    if any(value is None or value.shape != (len(source.atoms),) for value in constants):
        return False
    for slot in range(1, len(node.input)):
        trace.cut(index, slot, 0, source.atoms)
    trace.put(node.output[0], source)
    return True


def _layer(
    trace: Trace, index: int, node: onnx.NodeProto, weight: Array, source: Channels | None, axes: tuple[int, int]
) -> bool:
    in_axis, out_axis = axes
    if weight.dtype != np.float32 or (source is not None and len(source.atoms) != weight.shape[in_axis]):
        return False
    axis = -1 if weight.ndim == 2 else 1 - weight.ndim
    made = Channels(axis, trace.atoms.fresh(weight.shape[out_axis]))
    trace.layers.append(Layer(index, node, node.input[1], in_axis, out_axis, source, made))
    if source is not None:
        trace.cut(index, 1, in_axis, source.atoms)
    trace.cut(index, 1, out_axis, made.atoms)
    _cut_bias(trace, index, node, made.atoms)
    trace.put(node.output[0], made)
    return True


def _biased(trace: Trace, node: onnx.NodeProto, count: int) -> bool:
    """Whether the bias, if there is one, is a constant of the right length."""
    bias = trace.constant(node, 2)
    return not has(node, 2) or (bias is not None and bias.shape == (count,))


def _cut_bias(trace: Trace, index: int, node: onnx.NodeProto, atoms: np.ndarray) -> None:
    bias = trace.constant(node, 2)
    if bias is not None and wide(bias, -1) == len(atoms):
        trace.cut(index, 2, bias.ndim - 1, atoms)

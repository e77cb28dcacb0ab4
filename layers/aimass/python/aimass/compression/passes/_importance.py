"""How much each channel matters to the layers that read it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from aimass.compression.contract import NotApplicable, Rows
from aimass.compression.graph.channels import Layer
from aimass.compression.graph.groups import Channelled
from aimass.compression.graph.running import Running, upto
from aimass.compression.graph.slicing import unused

Moments = dict[str, NDArray[np.float64]]


def importance(read: Channelled, rows: Rows, folder: Path) -> NDArray[np.float64]:
    """For each atom that is a channel's root: its variance times its weights' squares, over all that read it.

    Its mean does not count: what is repaired makes up for it by a constant.

    Each layer's share is relative to the whole of what that layer reads, so that layers can be compared.
    """
    readers = [layer for layer in read.layers if layer.source is not None]
    power = _power(read, readers, rows, folder)
    total = np.zeros(len(read.roots))
    for layer in readers:
        assert layer.source is not None
        weight = read.graph.constant(layer.weight)
        assert weight is not None
        across = tuple(axis for axis in range(weight.ndim) if axis != layer.in_axis)
        share = power[layer.node.input[0]] * np.square(weight, dtype=np.float64).sum(axis=across)
        np.add.at(total, read.roots[layer.source.atoms], share / max(float(share.sum()), 1e-30))
    return total


def _power(read: Channelled, layers: list[Layer], rows: Rows, folder: Path) -> Moments:
    """The variance of every channel of what layers read, summed up within the graph: only sums come out of it."""
    tensors = {layer.node.input[0]: layer for layer in layers}
    model = onnx.ModelProto()
    model.CopyFrom(read.graph.model)
    outputs = [output for name, layer in tensors.items() for output in _summed(model, name, layer)]
    running = Running(upto(model, outputs), folder)
    sums: list[NDArray[np.float64]] = [np.zeros(()) for _ in outputs]
    for feed in rows.feeds():
        sums = [total + value.astype(np.float64) for total, value in zip(sums, running(feed), strict=True)]
    if not all(np.isfinite(value).all() for value in sums):
        raise NotApplicable("Within the model are values that are not finite, for the rows given.")
    found = zip(tensors, sums[0::3], sums[1::3], sums[2::3], strict=True)
    return {name: np.maximum(square - np.square(x) / n, 0) / n for name, x, square, n in found}


def _summed(model: onnx.ModelProto, name: str, layer: Layer) -> list[str]:
    """Adds nodes that sum a tensor and its squares over all but its channels, and count what they sum."""
    assert layer.source is not None
    image = layer.source.axis != -1  # batch, channels, the rest
    count = len(layer.source.atoms)
    flat, shape = unused(model, f"{name}/flat"), unused(model, f"{name}/shape")
    _constant(model, shape, [0, count, -1] if image else [-1, count])
    model.graph.node.append(helper.make_node("Reshape", [name, shape], [flat]))
    axes = unused(model, f"{name}/axes")
    _constant(model, axes, [0, 2] if image else [0])
    made = [_reduced(model, kind, flat, axes, [0, 2] if image else [0]) for kind in ("ReduceSum", "ReduceSumSquare")]
    sizes, size = unused(model, f"{name}/sizes"), unused(model, f"{name}/size")
    model.graph.node.append(helper.make_node("Size", [flat], [sizes]))
    model.graph.node.append(helper.make_node("Cast", [sizes], [size], to=onnx.TensorProto.FLOAT))
    per = unused(model, f"{name}/count")
    each = unused(model, f"{name}/each")
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.float32(1 / count).reshape(()), each))
    model.graph.node.append(helper.make_node("Mul", [size, each], [per]))
    return [*made, per]


def _reduced(model: onnx.ModelProto, kind: str, name: str, axes: str, over: list[int]) -> str:
    """Axes are an input from opset 13 on for sums, from 18 on for sums of squares."""
    version = max((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), default=1)
    out = unused(model, f"{name}/{kind}")
    if version < (13 if kind == "ReduceSum" else 18):
        model.graph.node.append(helper.make_node(kind, [name], [out], axes=over, keepdims=0))
    else:
        model.graph.node.append(helper.make_node(kind, [name, axes], [out], keepdims=0))
    return out


def _constant(model: onnx.ModelProto, name: str, value: list[int]) -> None:
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(value, dtype=np.int64), name))

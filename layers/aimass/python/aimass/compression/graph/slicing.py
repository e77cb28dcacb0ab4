"""Removes channels from a graph: every weight, bias and written size that has them is cut."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from aimass.compression.graph.channels import Cut
from aimass.compression.graph.groups import Channelled
from aimass.compression.graph.reading import Array


def sliced(read: Channelled, kept: NDArray[np.bool_]) -> onnx.ModelProto:
    """A new model with the atoms for which `kept` is true. Nodes keep their order."""
    model = onnx.ModelProto()
    model.CopyFrom(read.graph.model)
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    by_input: dict[tuple[int, int], list[Cut]] = defaultdict(list)
    for cut in read.cuts:
        by_input[cut.index, cut.slot].append(cut)
    for (index, slot), cuts in by_input.items():
        if any(not kept[cut.atoms].all() for cut in cuts):
            node = model.graph.node[index]
            value = _cut(read, node.input[slot], cuts, kept)
            node.input[slot] = replaced(model, tensors, node.input[slot], value, read.graph.private(node.input[slot]))
    for count in read.counts:
        _recount(read, model, tensors, count.index, kept)
    return model


def zeroed(read: Channelled, kept: NDArray[np.bool_]) -> onnx.ModelProto:
    """The same model uncut, in which nothing reads the atoms that are not kept: it must answer as the cut one does."""
    model = onnx.ModelProto()
    model.CopyFrom(read.graph.model)
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    for layer in read.layers:
        if layer.source is not None and not kept[layer.source.atoms].all():
            weight = numpy_helper.to_array(tensors[layer.weight]).copy()
            np.moveaxis(weight, layer.in_axis, 0)[~kept[layer.source.atoms]] = 0
            tensors[layer.weight].CopyFrom(numpy_helper.from_array(weight, layer.weight))
    return model


def replaced(
    model: onnx.ModelProto, tensors: dict[str, onnx.TensorProto], name: str, value: Array, private: bool
) -> str:
    """Gives a constant a new value, under a new name where others read it too; returns the name."""
    if private:
        tensors[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name
    fresh = unused(model, f"{name}/kept")
    model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), fresh))
    tensors[fresh] = model.graph.initializer[-1]
    return fresh


def unused(model: onnx.ModelProto, wanted: str) -> str:
    """A name that nothing in the graph has."""
    taken = {tensor.name for tensor in model.graph.initializer} | {one.name for one in model.graph.input}
    taken.update(name for node in model.graph.node for name in node.output)
    number = 0
    while f"{wanted}{number}" in taken:
        number += 1
    return f"{wanted}{number}"


def _cut(read: Channelled, name: str, cuts: list[Cut], kept: NDArray[np.bool_]) -> Array:
    value = read.graph.constant(name)
    assert value is not None
    for cut in cuts:
        value = np.compress(kept[cut.atoms], value, axis=cut.axis)
    return value


def _recount(
    read: Channelled, model: onnx.ModelProto, tensors: dict[str, onnx.TensorProto], index: int, kept: NDArray[np.bool_]
) -> None:
    node = model.graph.node[index]
    for count in (one for one in read.counts if one.index == index and not kept[one.atoms].all()):
        number = int(kept[count.atoms].sum())
        if isinstance(count.where, str):
            next(one for one in node.attribute if one.name == count.where).i = number
            continue
        holder = node
        slot = count.where
        if count.constant:
            holder = next(one for one in model.graph.node if node.input[count.where] in one.output)
            slot = list(holder.input).index(count.constant)
        value = numpy_helper.to_array(tensors[holder.input[slot]]).copy()
        value[count.element] = number
        private = read.graph.private(holder.input[slot])
        holder.input[slot] = replaced(model, tensors, holder.input[slot], value, private)

"""The constant that is added to a layer's answers, wherever it is in the graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import numpy_helper

from aimass.compression.graph.groups import Channelled
from aimass.compression.graph.reading import Array
from aimass.compression.graph.slicing import replaced, unused

Tensors = dict[str, onnx.TensorProto]


@dataclass(frozen=True)
class Bias:
    """Input `slot` of `node`; no `name`: there is none yet. `after`: a node of its own adds it to the answers."""

    node: onnx.NodeProto
    slot: int
    name: str
    after: bool = False


def own(read: Channelled, name: str) -> bool:
    """Whether an initializer of the cut model has no other reader."""
    return name not in read.graph.initializers or read.graph.private(name)


def sound(read: Channelled, tensors: Tensors, node: onnx.NodeProto, outputs: int) -> bool:
    """Whether what a Conv or Gemm adds, if anything, is a constant that is the same for every row."""
    name = node.input[2] if len(node.input) > 2 else ""
    if not name:
        return True
    fixed = name in tensors and name not in read.graph.overridable
    return fixed and int(np.prod(tensors[name].dims)) in (1, outputs)


def bias_of(read: Channelled, model: onnx.ModelProto, tensors: Tensors, node: onnx.NodeProto) -> Bias | None:
    """None where a MatMul is followed by no addition of a constant."""
    if node.op_type != "MatMul":
        return Bias(node, 2, node.input[2] if len(node.input) > 2 else "")
    readers = [one for one in model.graph.node if node.output[0] in one.input]
    if len(readers) != 1 or readers[0].op_type != "Add" or node.output[0] in read.graph.pinned:
        return None
    slot = 1 - list(readers[0].input).index(node.output[0])
    name = readers[0].input[slot]
    fixed = name in tensors and name not in read.graph.overridable
    wide = fixed and list(tensors[name].dims)[-1:] == [tensors[node.input[1]].dims[1]]
    return Bias(readers[0], slot, name, after=True) if wide else None


def added(tensors: Tensors, bias: Bias | None, groups: int, outputs: int) -> Array:
    """What a layer's answers contain of its bias, (groups, 1, outputs)."""
    offset = np.zeros((groups, 1, outputs))
    if bias is None or bias.after or not bias.name:
        return offset
    value = numpy_helper.to_array(tensors[bias.name]).astype(np.float64)
    return np.asarray(offset + (value.reshape(offset.shape) if value.size == offset.size else value.item()))


def move(read: Channelled, model: onnx.ModelProto, tensors: Tensors, bias: Bias, more: Array) -> None:
    """Adds to a bias, (groups, 1, outputs)."""
    extra = more.reshape(-1).astype(np.float32)
    if bias.name:
        value = numpy_helper.to_array(tensors[bias.name])
        value = value.reshape(-1) if value.size in (1, extra.size) and not bias.after else value
        private = own(read, bias.name)
        bias.node.input[bias.slot] = replaced(model, tensors, bias.name, value + extra, private)
        return
    name = unused(model, f"{bias.node.input[1]}/bias")
    del bias.node.input[2:]
    bias.node.input.append(name)
    model.graph.initializer.append(numpy_helper.from_array(extra, name))
    tensors[name] = model.graph.initializer[-1]

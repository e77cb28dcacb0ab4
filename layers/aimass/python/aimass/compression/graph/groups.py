"""Groups of channels that can be removed: the rules applied to every node, and what they come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from aimass.compression.graph import mixing, passing, reshaping
from aimass.compression.graph.channels import Atoms, Channels, Count, Cut, Layer, Trace
from aimass.compression.graph.reading import Graph

Rule = Callable[[Trace, int, onnx.NodeProto], bool]

_ELEMENTWISE = (
    *("Abs", "Add", "Cast", "Ceil", "Celu", "Clip", "Cos", "Div", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid"),
    *("HardSwish", "Identity", "LeakyRelu", "Log", "Max", "Mean", "Min", "Mish", "Mul", "Neg", "PRelu", "Pow"),
    *("Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign", "Sin", "Softplus", "Softsign", "Sqrt", "Sub", "Sum"),
    *("Swish", "Tanh", "ThresholdedRelu"),
)
_POOL = ("AveragePool", "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "LpPool", "MaxPool")
_REDUCE = ("ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "ReduceSumSquare")
_REGROUP = ("Flatten", "Squeeze", "Unsqueeze")

RULES: dict[str, Rule] = {
    **dict.fromkeys(_ELEMENTWISE, passing.elementwise),
    **dict.fromkeys(_POOL, passing.pool),
    **dict.fromkeys(_REDUCE, passing.reduce),
    **dict.fromkeys(_REGROUP, reshaping.regroup),
    "BatchNormalization": mixing.per_channel,
    "Concat": passing.concat,
    "Conv": mixing.conv,
    "ConvTranspose": mixing.conv_transpose,
    "Dropout": passing.dropout,
    "Gather": reshaping.gather,
    "Gemm": mixing.gemm,
    "InstanceNormalization": mixing.per_channel,
    "MatMul": mixing.matmul,
    "Pad": passing.pad,
    "Reshape": reshaping.reshape,
    "Resize": passing.resize,
    "Shape": reshaping.shape_of,
    "Slice": reshaping.slice_,
    "Transpose": reshaping.transpose,
    "Upsample": passing.resize,
}


@dataclass(frozen=True)
class Group:
    """Channels made by the same layers, any of which can go. `roots` names each; `name` is its first weight's."""

    name: str
    roots: Atoms


@dataclass(frozen=True)
class Channelled:
    """A graph with its channels known. `roots` has for each atom the channel that it belongs to."""

    graph: Graph
    roots: Atoms
    at: dict[str, Channels]
    groups: tuple[Group, ...]
    layers: tuple[Layer, ...]
    cuts: tuple[Cut, ...]
    counts: tuple[Count, ...]

    def all_kept(self) -> NDArray[np.bool_]:
        """For each atom whether it is kept; indexed by atom."""
        return np.ones(len(self.roots), dtype=bool)

    def without(self, removed: Atoms) -> NDArray[np.bool_]:
        """For each atom whether it is kept when these channels are gone."""
        kept = self.all_kept()
        kept[removed] = False
        return np.asarray(kept[self.roots])


def read_channels(model: onnx.ModelProto) -> Channelled:
    """Follows the channels of a model; `model` is changed as `Graph` says and belongs to the result."""
    trace = Trace(Graph(model))
    for index, node in enumerate(trace.graph.nodes):
        known = RULES.get(node.op_type) if node.domain in ("", "ai.onnx") or _contributed(node) else None
        if known is None or not known(trace, index, node):
            trace.lock(node)
    roots, locked = trace.atoms.roots(), trace.atoms.locked()
    groups = _groups(trace.layers, roots, locked)
    return Channelled(trace.graph, roots, trace.at, groups, tuple(trace.layers), tuple(trace.cuts), tuple(trace.counts))


def _contributed(node: onnx.NodeProto) -> bool:
    return bool(node.domain == "com.microsoft" and node.op_type == "Gelu")


def _groups(layers: list[Layer], roots: Atoms, locked: NDArray[np.bool_]) -> tuple[Group, ...]:
    """Layers whose channels are partly the same make one group; what is locked of it is no part of it."""
    owner: dict[int, int] = {}
    leader = list(range(len(layers)))

    def lead(number: int) -> int:
        while leader[number] != number:
            number = leader[number]
        return number

    for number, layer in enumerate(layers):
        for root in np.unique(roots[layer.made.atoms]).tolist():
            first, here = sorted((lead(owner.setdefault(root, number)), lead(number)))
            leader[here] = first
    members: dict[int, set[int]] = {}
    for number, layer in enumerate(layers):
        free = layer.made.atoms[~locked[layer.made.atoms]]
        members.setdefault(lead(number), set()).update(roots[free].tolist())
    return tuple(
        Group(layers[number].weight, np.array(sorted(found), dtype=np.int64))
        for number, found in sorted(members.items())
        if found
    )

"""Channels followed through a graph: which index of which dimension belongs to which channel.

Every output channel of a layer is an *atom*, a whole number. A tensor that carries channels has, for one of its
dimensions, the atom of every index; so a flattened image is each atom repeated, a concatenation the atoms in a row.
Where two tensors are added their atoms become one. An atom that something reads that is not understood is locked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from aimass.compression.graph.reading import Array, Graph

Atoms = NDArray[np.int64]


@dataclass(frozen=True)
class Channels:
    """The atoms along dimension `axis` of a tensor, counted from the last, which is -1."""

    axis: int
    atoms: Atoms


@dataclass(frozen=True)
class Layer:
    """A Conv, ConvTranspose, Gemm or MatMul whose constant weight mixes channels.

    `source` are the atoms along the weight's `in_axis`, None if its input carries none; `made` those along `out_axis`.
    """

    index: int
    node: onnx.NodeProto
    weight: str
    in_axis: int
    out_axis: int
    source: Channels | None
    made: Channels


@dataclass(frozen=True)
class Cut:
    """Input number `slot` of a node is a constant with these atoms along `axis`."""

    index: int
    slot: int
    axis: int
    atoms: Atoms


@dataclass(frozen=True)
class Count:
    """A place where a number of channels is written: an element of a constant input, or an attribute."""

    index: int
    where: int | str  # the input's number, or the attribute's name
    element: int
    atoms: Atoms
    constant: str = ""  # the constant that holds it, if that is not the node's own input


class Atomic:
    """Union-find over atoms; a locked atom locks those that are one with it."""

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._locked: set[int] = set()

    def fresh(self, count: int) -> Atoms:
        start = len(self._parent)
        self._parent.extend(range(start, start + count))
        return np.arange(start, start + count, dtype=np.int64)

    def find(self, atom: int) -> int:
        while self._parent[atom] != atom:
            self._parent[atom] = self._parent[self._parent[atom]]
            atom = self._parent[atom]
        return atom

    def join(self, one: Atoms, other: Atoms) -> None:
        for a, b in np.unique(np.stack([one, other], axis=1), axis=0).tolist():
            low, high = sorted((self.find(a), self.find(b)))
            self._parent[high] = low

    def lock(self, atoms: Atoms) -> None:
        self._locked.update(np.unique(atoms).tolist())

    def roots(self) -> Atoms:
        return np.array([self.find(atom) for atom in range(len(self._parent))], dtype=np.int64)

    def locked(self) -> NDArray[np.bool_]:
        """For each atom, whether it or one that it is one with is locked."""
        roots = self.roots()
        mask = np.zeros(len(roots), dtype=bool)
        mask[roots[sorted(self._locked)]] = True
        return np.asarray(mask[roots])


@dataclass
class Trace:
    """What is known after the nodes so far: `at` for each tensor, and all that is to change with the channels."""

    graph: Graph
    atoms: Atomic = field(default_factory=Atomic)
    at: dict[str, Channels] = field(default_factory=dict)
    layers: list[Layer] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)

    def lock(self, node: onnx.NodeProto) -> None:
        """What the node reads stays as it is, and of what it makes nothing is known."""
        for name in node.input:
            if name in self.at:
                self.atoms.lock(self.at[name].atoms)

    def put(self, name: str, channels: Channels) -> None:
        self.at[name] = channels
        if name in self.graph.pinned:
            self.atoms.lock(channels.atoms)

    def cut(self, index: int, slot: int, axis: int, atoms: Atoms) -> None:
        """Notes that a constant changes with these atoms; a weight that others read as well must not."""
        name = self.graph.nodes[index].input[slot]
        value = self.graph.constant(name)
        assert value is not None
        if value.ndim > 1 and max(value.shape) < value.size and not self.graph.private(name):
            self.atoms.lock(atoms)
        self.cuts.append(Cut(index, slot, axis, atoms))

    def constant(self, node: onnx.NodeProto, slot: int) -> Array | None:
        return self.graph.constant(node.input[slot]) if has(node, slot) else None


def has(node: onnx.NodeProto, slot: int) -> bool:
    return slot < len(node.input) and bool(node.input[slot])


def follow(trace: Trace, name: str, channels: Channels | None) -> None:
    if channels is not None:
        trace.put(name, channels)


def wide(value: Any, axis: int) -> int:
    """The length of a constant along an axis counted from the last, 1 where it has no such axis."""
    return int(value.shape[axis]) if value.ndim >= -axis else 1

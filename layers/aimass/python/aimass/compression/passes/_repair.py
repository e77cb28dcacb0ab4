"""Repair without training: each layer behind a cut is solved again to give what the original's gave, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from aimass.compression.contract import Rows
from aimass.compression.graph.groups import Channelled
from aimass.compression.graph.reading import Array, attributes, reads
from aimass.compression.graph.running import Feed, Stepped
from aimass.compression.graph.slicing import replaced
from aimass.compression.passes import _least_squares as least
from aimass.compression.passes._bias import added, bias_of, move, own, sound
from aimass.compression.passes._patches import Matrix

#: Every so many rows, one is kept out of the sums, to see by whether a layer's new weights are better.
APART = 5
#: Positions looked at for a layer: so many for each of its inputs, and this at least.
EACH, LEAST = 4, 8192
#: Bytes of activations kept for each of the two models, so that a layer needs not the whole model run before it.
ROOM = 1 << 28


@dataclass
class Repair:
    """`model` is the cut one, which changes; its nodes are those of `read` in the same order."""

    read: Channelled
    kept: NDArray[np.bool_]
    model: onnx.ModelProto
    rows: Rows
    folder: Path
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._tensors = {tensor.name: tensor for tensor in self.model.graph.initializer}
        fit, apart = split(self.rows)
        self._fitted = len(fit)
        self._rows = len(self.rows) - len(self.rows) // APART
        self._masks = [_mask_of(feed) for feed in (*fit, *apart)]
        self._cut = Stepped(self.model, [*fit, *apart], self.folder, ROOM)
        self._original = Stepped(self.read.graph.model, [*fit, *apart], self.folder, ROOM)

    def run(self) -> None:
        for index in changed(self.read, self.kept):
            node = self.model.graph.node[index]
            matrix = self._matrix(node)
            if matrix is not None:
                self._cut.advance(index)
                self._original.advance(index)
                self._solve(node, self.read.graph.nodes[index].output[0], matrix)

    def _matrix(self, node: onnx.NodeProto) -> Matrix | None:
        """How to solve a node, None where it is no layer, or shares its weight."""
        name = node.input[1] if node.op_type in ("Conv", "Gemm", "MatMul") else ""
        given = attributes(node)
        if name not in self._tensors or not own(self.read, name) or node.domain not in ("", "ai.onnx"):
            return None
        shape, numbers = tuple(self._tensors[name].dims), self._tensors[name].data_type
        plain = given.get("alpha", 1.0) == given.get("beta", 1.0) == 1.0 and not given.get("transA", 0)
        if numbers != onnx.TensorProto.FLOAT or not plain or 0 in shape:
            return None
        matrix = Matrix(node, 1)
        if node.op_type == "Conv":
            matrix = Matrix(node, given.get("group", 1), shape[2:])
        elif len(shape) != 2:
            return None
        outputs = shape[0] if node.op_type == "Conv" or given.get("transB", 0) else shape[1]
        return matrix if sound(self.read, self._tensors, node, outputs) else None

    def _solve(self, node: onnx.NodeProto, answers: str, matrix: Matrix) -> None:
        weight = numpy_helper.to_array(self._tensors[node.input[1]])
        start = matrix.of_weight(weight).astype(np.float64)
        groups, inputs, outputs = start.shape
        bias = bias_of(self.read, self.model, self._tensors, node)
        wide = inputs > least.WIDE
        sums, kept, apart = least.Sums.zero(groups, 0 if wide else inputs, outputs), least.Rows(), least.Rows()
        for number, (x, y) in enumerate(self._samples(node, answers, matrix, inputs)):
            (apart if number >= self._fitted else kept if wide else sums).add(x, y)
        seen, offset = apart.all(), added(self._tensors, bias, groups, outputs)
        best, new, moved = _error(*seen, start, offset), None, offset
        first = best
        for ridge in least.RIDGES:
            if wide:
                found = least.solve_rows(*kept.all(), start, ridge, bias is not None)
            else:
                found = least.solve_sums(sums, start, ridge, bias is not None)
            shift = _shift(sums, kept, found) if bias is not None else offset
            error = _error(*seen, found, shift)
            if error < best:
                best, new, moved = error, found, shift
        self.notes.append(f"{node.input[1]}: error {first:.4f} -> {best:.4f}")
        if new is not None:
            value = matrix.to_weight(new.astype(np.float32), weight.shape)
            node.input[1] = replaced(self.model, self._tensors, node.input[1], value, True)
            if bias is not None:
                move(self.read, self.model, self._tensors, bias, moved - offset)

    def _samples(
        self, node: onnx.NodeProto, answers: str, matrix: Matrix, inputs: int
    ) -> Iterator[tuple[Array, Array]]:
        random = np.random.default_rng(0)
        mask = self._mask(answers)
        axis = 1 if node.op_type == "Conv" else -1
        wanted = max(LEAST, EACH * inputs) / self._rows
        values = zip(self._cut.values(node.input[0]), self._original.values(answers), self._masks, strict=True)
        for x, y, real in values:
            per = len(y)
            y = y if mask is None else np.compress(mask, y, axis=axis)
            if real is not None and axis == -1 and x.shape[:2] == real.shape == y.shape[:2]:
                x, y = x[real], y[real]
            there = y.size / max(y.shape[axis] * per, 1)
            yield matrix.rows(x, y, wanted / max(there, 1), random)

    def _mask(self, answers: str) -> NDArray[np.bool_] | None:
        channels = self.read.at.get(answers)
        return None if channels is None else self.kept[channels.atoms]


def split(rows: Rows) -> tuple[list[Feed], list[Feed]]:
    """Calls with the rows to fit, and with those apart, each `APART`th."""
    apart = np.arange(len(rows)) % APART == APART - 1
    parts = [
        replace(rows, inputs={name: array[: len(rows)][mask] for name, array in rows.inputs.items()})
        for mask in (~apart, apart)
    ]
    return list(parts[0].feeds()), list(parts[1].feeds())


def _mask_of(feed: Feed) -> NDArray[np.bool_] | None:
    """Which positions of a text are real, where an input of zeros and ones says so: filling would outvote them."""
    for name, value in feed.items():
        if "mask" in name.lower() and value.ndim == 2 and value.dtype.kind in "iub" and np.isin(value, (0, 1)).all():
            return np.asarray(value == 1) if (value == 1).any() else None
    return None


def changed(read: Channelled, kept: NDArray[np.bool_]) -> list[int]:
    """The nodes, by number, whose inputs are no more what they were."""
    sources = {layer.index: layer.source.atoms for layer in read.layers if layer.source is not None}
    dirty: set[str] = set()
    found = []
    for index, node in enumerate(read.graph.nodes):
        if reads(node) & dirty or (index in sources and not kept[sources[index]].all()):
            found.append(index)
            dirty.update(name for name in node.output if name)
    return found


def _shift(sums: least.Sums, kept: least.Rows, weight: Array) -> Array:
    """The constant that makes the mean answer right, (groups, 1, outputs)."""
    if sums.count:
        return np.asarray((sums.y[:, None] - sums.x[:, None] @ weight) / sums.count)
    x, y = kept.all()
    return np.asarray(y.mean(axis=1, keepdims=True) - x.mean(axis=1, keepdims=True) @ weight)


def _error(x: Array, y: Array, weight: Array, offset: Array) -> float:
    """The part of the answers' variance that is wrong."""
    wrong = y - x @ weight.astype(np.float32) - offset.astype(np.float32)
    spread = float(np.var(y, axis=1, dtype=np.float64).sum())
    return float(np.square(wrong, dtype=np.float64).mean(axis=1).sum()) / max(spread, 1e-30)

"""What a layer computes each of its answers from: rows of inputs, so that the layer is one matrix product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from aimass.compression.graph.reading import Array, attributes

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Matrix:
    """How a Conv, Gemm or MatMul is a product of (groups, n, inputs) and (groups, inputs, outputs)."""

    node: onnx.NodeProto
    groups: int
    kernel: tuple[int, ...] = ()

    def of_weight(self, weight: Array) -> Array:
        """(groups, inputs, outputs)"""
        if self.node.op_type == "Conv":
            return weight.reshape(self.groups, weight.shape[0] // self.groups, -1).transpose(0, 2, 1)
        return (weight.T if attributes(self.node).get("transB", 0) else weight)[None]

    def to_weight(self, matrix: Array, shape: tuple[int, ...]) -> Array:
        if self.node.op_type == "Conv":
            return np.ascontiguousarray(matrix.transpose(0, 2, 1).reshape(shape))
        return np.ascontiguousarray(matrix[0].T if attributes(self.node).get("transB", 0) else matrix[0])

    def rows(self, x: Array, y: Array, share: float, random: np.random.Generator) -> tuple[Array, Array]:
        """Inputs (groups, n, inputs) and answers (groups, n, outputs) at a share of the positions that there are."""
        if self.node.op_type == "Conv":
            return self._patches(x, y, share, random)
        x, y = x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1])
        taken = _some(len(x), share, random)
        return x[taken][None], y[taken][None]

    def _patches(self, x: Array, y: Array, share: float, random: np.random.Generator) -> tuple[Array, Array]:
        where = _some(int(np.prod(y.shape[2:])), share, random)
        spots = np.stack(np.unravel_index(where, y.shape[2:]), axis=1)
        padded, offsets, strides = _padded(self.node, self.kernel, x, y.shape[2:])
        at = spots[:, None, :] * strides + offsets  # positions, kernel, dimensions
        flat = np.ravel_multi_index(tuple(np.moveaxis(at, -1, 0)), padded.shape[2:])
        batch, groups = len(x), self.groups
        taken = padded.reshape(batch, groups, x.shape[1] // groups, -1)[
            ..., flat
        ]  # batch, group, channel, spot, kernel
        inputs = taken.transpose(1, 0, 3, 2, 4).reshape(groups, batch * len(where), -1)
        answers = y.reshape(batch, groups, y.shape[1] // groups, -1)[..., where]
        return inputs, answers.transpose(1, 0, 3, 2).reshape(groups, batch * len(where), -1)


def _some(count: int, share: float, random: np.random.Generator) -> Indices:
    wanted = min(count, max(1, round(count * share)))
    return np.sort(random.choice(count, wanted, replace=False)).astype(np.int64)


def _padded(
    node: onnx.NodeProto, kernel: tuple[int, ...], x: Array, out: tuple[int, ...]
) -> tuple[Array, Indices, Indices]:
    """The input with its border, the kernel's offsets (kernel, dimensions), the strides."""
    given, dims = attributes(node), x.ndim - 2
    strides = np.array(given.get("strides", [1] * dims))
    dilations = np.array(given.get("dilations", [1] * dims))
    reach = dilations * (np.array(kernel) - 1) + 1
    needed = np.maximum((np.array(out) - 1) * strides + reach - np.array(x.shape[2:]), 0)
    auto = given.get("auto_pad", b"NOTSET")
    before = np.array(given.get("pads", [0] * 2 * dims)[:dims])
    if auto in (b"SAME_UPPER", b"SAME_LOWER"):
        before = needed // 2 if auto == b"SAME_UPPER" else needed - needed // 2
    after = np.maximum(needed - before, 0)
    border = [(0, 0), (0, 0), *zip(before.tolist(), after.tolist(), strict=True)]
    offsets = np.stack(np.unravel_index(np.arange(np.prod(kernel)), kernel), axis=1) * dilations
    return np.pad(x, border), offsets, strides

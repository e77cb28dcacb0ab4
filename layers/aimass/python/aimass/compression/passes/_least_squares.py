"""Ridge least squares that begins with the weights there are, in memory that does not grow with the rows.

W minimises |Y - XW - b|^2 + ridge |W - W0|^2. Up to `WIDE` inputs the normal equations are summed up in float64, batch
by batch; beyond, the rows themselves are kept, up to `KEPT` numbers, and their Gram matrix is solved instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating]
#: Inputs of a layer: 4,608 squared in float64 are 170 MB, of which two are held while solving.
WIDE = 4608
#: Numbers of inputs kept where normal equations would be too large, and for comparing: 128 MB in float32.
KEPT = 1 << 25
#: Rows kept at most, for their Gram matrix is as wide.
ROWS = 4096
RIDGES = (1e-3, 1e-2, 1e-1, 1.0)


@dataclass
class Rows:
    """Rows kept as they are, as many as there is room for."""

    room: int = KEPT
    x: list[Float] = field(default_factory=list)
    y: list[Float] = field(default_factory=list)
    held: int = 0

    def add(self, x: Float, y: Float) -> None:
        each = max(x.shape[0] * x.shape[2], 1)
        fits = max(0, min(self.room, ROWS * each) - self.held) // each
        if fits:
            self.x.append(x[:, :fits])
            self.y.append(y[:, :fits])
            self.held += self.x[-1].size

    def all(self) -> tuple[Float, Float]:
        return np.concatenate(self.x, axis=1), np.concatenate(self.y, axis=1)


@dataclass
class Sums:
    """Sums of inputs x (groups, n, inputs), answers y (groups, n, outputs) and of their products."""

    x: Float
    y: Float
    xx: Float
    xy: Float
    count: int = 0

    @staticmethod
    def zero(groups: int, inputs: int, outputs: int) -> Sums:
        squares = np.zeros((groups, inputs, inputs))
        return Sums(
            np.zeros((groups, inputs)), np.zeros((groups, outputs)), squares, np.zeros((groups, inputs, outputs))
        )

    def add(self, x: Float, y: Float) -> None:
        turned = x.transpose(0, 2, 1)
        self.count += x.shape[1]
        self.x += x.sum(axis=1, dtype=np.float64)
        self.y += y.sum(axis=1, dtype=np.float64)
        self.xx += turned @ x
        self.xy += turned @ y


def solve_sums(sums: Sums, start: Float, ridge: float, centred: bool) -> Float:
    """Weights (groups, inputs, outputs); `centred` where a constant is added to the answers as well."""
    gram = sums.xx.copy()
    wanted = sums.xy
    if centred:
        gram -= sums.x[:, :, None] * sums.x[:, None, :] / sums.count
        wanted = wanted - sums.x[:, :, None] * sums.y[:, None, :] / sums.count
    wanted = wanted - gram @ start
    diagonal = np.einsum("gii->gi", gram)
    diagonal += ridge * diagonal.mean(axis=1, keepdims=True) + 1e-12
    return np.asarray(start + np.linalg.solve(gram, wanted))


def solve_rows(x: Float, y: Float, start: Float, ridge: float, centred: bool) -> Float:
    """The same from the rows themselves, for more inputs than rows."""
    x, rest = x.astype(np.float32), y - x @ start.astype(np.float32)
    if centred:
        x, rest = x - x.mean(axis=1, keepdims=True), rest - rest.mean(axis=1, keepdims=True)
    gram = (x @ x.transpose(0, 2, 1)).astype(np.float64)
    diagonal = np.einsum("gii->gi", gram)
    diagonal += ridge * diagonal.mean(axis=1, keepdims=True) + 1e-12
    return np.asarray(start + x.transpose(0, 2, 1) @ np.linalg.solve(gram, rest.astype(np.float64)))

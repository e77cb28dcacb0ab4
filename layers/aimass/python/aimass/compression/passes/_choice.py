"""Which channels go: as many of the least important as make the model as cheap as it shall be."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aimass.compression.graph.channels import Atoms
from aimass.compression.graph.groups import Channelled, Group
from aimass.compression.passes._cost import Prices, cost

#: Widths that processors like: 62 channels run 1.5 times slower than 64.
WIDE, NARROW, FEW = 16, 8, 64


@dataclass(frozen=True)
class Plan:
    """How the channels are chosen. `fewer` is the share of the cost to lose, of that of layers that can be cut."""

    fewer: float
    floor: float = 0.25  # of a group's channels, which stay in any case
    uniform: bool = False  # the same share of every group, instead of the least important of all
    spare: Collection[str] = ()


def removed(read: Channelled, scores: NDArray[np.float64], prices: Prices, plan: Plan) -> Atoms:
    """The channels to remove, by root; none where nothing may go.

    What is spared stays, and no other goes in its place: less is removed than was asked for.
    """
    steps = _steps(read, scores, prices, plan)
    wanted = cost(read, read.all_kept(), prices) - plan.fewer * _prunable(read, prices)
    low, high = 0, len(steps)
    while low < high:
        middle = (low + high) // 2
        if cost(read, read.without(_joined([block for _, block in steps[:middle]])), prices) <= wanted:
            high = middle
        else:
            low = middle + 1
    return _joined([block for name, block in steps[:low] if name not in plan.spare])


def _prunable(read: Channelled, prices: Prices) -> float:
    """What layers cost that make or read a channel that could go."""
    free = np.zeros(len(read.roots), dtype=bool)
    for group in read.groups:
        free[group.roots] = True
    free = free[read.roots]
    total = 0.0
    for layer, price in zip(read.layers, prices, strict=True):
        sources = layer.made.atoms if layer.source is None else np.concatenate([layer.made.atoms, layer.source.atoms])
        total += price * int(np.prod(read.graph.initializers[layer.weight].dims)) if free[sources].any() else 0
    return total


def _steps(read: Channelled, scores: NDArray[np.float64], prices: Prices, plan: Plan) -> list[tuple[str, Atoms]]:
    """Blocks of channels with their group's name, in the order in which they go; each leaves its group at a width that
    runs well.
    """
    ranked: list[tuple[float, int, int, Atoms]] = []
    for number, group in enumerate(read.groups):
        order = group.roots[np.argsort(scores[group.roots], kind="stable")]
        highest = 0.0
        for at, (start, end) in enumerate(_blocks(len(order), plan.floor)):
            block = order[start:end]
            each = end / len(order) if plan.uniform else float(scores[block].mean()) / _saved(read, prices, group)
            highest = max(highest, each)
            ranked.append((highest, number, at, block))
    return [(read.groups[number].name, block) for _, number, _, block in sorted(ranked, key=lambda one: one[:3])]


def _saved(read: Channelled, prices: Prices, group: Group) -> float:
    """What one channel of a group costs, before anything is cut."""
    touched = np.zeros(len(read.roots), dtype=bool)
    touched[group.roots] = True
    touched = touched[read.roots]
    total = 0.0
    for layer, price in zip(read.layers, prices, strict=True):
        weight = read.graph.initializers[layer.weight].dims
        size = price * int(np.prod(weight))
        total += size * int(touched[layer.made.atoms].sum()) / max(weight[layer.out_axis], 1)
        total += size * int(touched[layer.source.atoms].sum()) / weight[layer.in_axis] if layer.source else 0.0
    return total / len(group.roots)


def _blocks(count: int, floor: float) -> list[tuple[int, int]]:
    """From which to which of `count` channels go at each step."""
    width = WIDE if count >= FEW else NARROW
    least = max(width, -(-int(np.ceil(count * floor)) // width) * width)
    left = [size for size in range(width, count, width) if size >= least][::-1]
    return [(count - before, count - after) for before, after in zip([count, *left], left, strict=False)]


def _joined(steps: list[Atoms]) -> Atoms:
    return np.concatenate(steps) if steps else np.empty(0, dtype=np.int64)

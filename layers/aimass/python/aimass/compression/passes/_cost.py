"""What a channel costs: weights, which are the file, or products too, which are the time.

The first layers of a net for pictures have few weights and much to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from aimass.compression.contract import Rows
from aimass.compression.graph.groups import Channelled
from aimass.compression.graph.running import Running, upto
from aimass.compression.graph.slicing import unused

#: Of one weight of each layer, in the layers' order.
Prices = Sequence[float]


def by_weights(read: Channelled) -> Prices:
    return [1.0] * len(read.layers)


def by_products_too(read: Channelled, rows: Rows, folder: Path) -> Prices:
    """Half for a layer's share of the weights, half for its share of the products; those of all layers come to 1."""
    weights = np.array([_weights(read, at) for at in range(len(read.layers))], dtype=np.float64)
    often = _positions(read, rows, folder)
    return list((1 / max(weights.sum(), 1) + often / max(float((weights * often).sum()), 1)) / 2)


def cost(read: Channelled, kept: NDArray[np.bool_], prices: Prices) -> float:
    """Of what the layers have with these atoms."""
    return sum(price * _left(read, at, kept) for at, price in enumerate(prices))


def parameters(read: Channelled, kept: NDArray[np.bool_]) -> int:
    """How many weights the layers have with these atoms."""
    return sum(_left(read, at, kept) for at in range(len(read.layers)))


def _weights(read: Channelled, at: int) -> int:
    return int(np.prod(read.graph.initializers[read.layers[at].weight].dims))


def _left(read: Channelled, at: int, kept: NDArray[np.bool_]) -> int:
    layer = read.layers[at]
    weight = read.graph.initializers[layer.weight].dims
    inputs = weight[layer.in_axis] if layer.source is None else int(kept[layer.source.atoms].sum())
    size = _weights(read, at) // max(weight[layer.in_axis] * weight[layer.out_axis], 1)
    return int(size * inputs * kept[layer.made.atoms].sum())


def _positions(read: Channelled, rows: Rows, folder: Path) -> NDArray[np.float64]:
    """How often each layer's weights are used in a call: at every place of a picture, for every word."""
    model = onnx.ModelProto()
    model.CopyFrom(read.graph.model)
    sizes = []
    for layer in read.layers:
        sizes.append(unused(model, f"{layer.node.output[0]}/size"))
        model.graph.node.append(helper.make_node("Size", [layer.node.output[0]], [sizes[-1]]))
    found = Running(upto(model, sizes), folder)(rows.feeds()[0])
    widths = [max(1, len(layer.made.atoms)) for layer in read.layers]
    return np.array([float(size) / width for size, width in zip(found, widths, strict=True)])

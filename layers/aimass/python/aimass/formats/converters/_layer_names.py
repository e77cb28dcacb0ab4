"""Which layer of a Keras model an output comes from, as the names in its graph tell.

A signature calls an output that was given no name `output_0`; its graph's nodes are `<model>/<layer>/<operator>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_NO_NAME = re.compile(r"output_\d+")
_CALL = re.compile(r"(Stateful)?PartitionedCall(_\d+)?(:\d+)?")
_NUMBER = re.compile(r"_\d+$")


def by_layer(sources: Mapping[str, str | None], nodes: Iterable[str]) -> list[str]:
    """The outputs' names, in their order: those that say nothing become their layers'.

    `sources` tells by output the node that it comes from, where that is known; `nodes` are all in the graph.
    """
    if not all(_NO_NAME.fullmatch(name) for name in sources):
        return list(sources)
    found = [_layer(source or "") for source in sources.values()]
    layers = [one for one in found if one]
    if len(layers) < len(sources):
        return list(sources)
    models = {model for model, _ in layers}
    there = {one[1] for node in nodes if (one := _layer(node)) and one[0] in models}
    # Keras 3 exports each layer under its name and a number, Keras 2 under its name.
    numbered = all(_NUMBER.search(layer) for layer in there)
    return [_NUMBER.sub("", layer) if numbered else layer for _, layer in layers]


def _layer(node: str) -> tuple[str, str] | None:
    """The parts for the model and for the layer; of a node that was made of several, the first one's."""
    parts = [part for part in node.split(";")[0].split("/") if not _CALL.fullmatch(part)]
    return (parts[0], parts[1]) if len(parts) > 2 else None

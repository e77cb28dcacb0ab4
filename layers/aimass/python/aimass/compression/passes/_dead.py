"""What a graph has and nothing needs, taken out. Subgraphs may read any name of the graphs around them."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from aimass.compression.model_file import graphs, graphs_within
from aimass.compression.passes._opset import LEAST_IR

# Smaller ones are not worth it: layers that share a bias cannot be pruned apart.
_WORTH_SHARING_BYTES = 65_536


def weights_are_no_inputs(model: Any) -> None:
    """Old files list weights among the inputs, which forbids folding; here nobody ever sends them."""
    names = {tensor.name for tensor in model.graph.initializer}
    kept = [value for value in model.graph.input if value.name not in names]
    if len(kept) == len(model.graph.input):
        return
    del model.graph.input[:]
    model.graph.input.extend(kept)
    model.ir_version = max(model.ir_version, LEAST_IR)


def drop_remarks(model: Any) -> None:
    """What exporters write of where each node came from, tens of kilobytes at times. The model's own texts stay."""
    for graph in graphs(model):
        described = (*graph.node, *graph.initializer, *graph.input, *graph.output, *graph.value_info)
        for one in (graph, *described):
            one.ClearField("doc_string")
            one.ClearField("metadata_props")


def reads_within(node: Any) -> Counter[str]:
    """How often a node and all graphs within it read each name."""
    read = Counter(name for name in node.input if name)
    for graph in graphs_within(node):
        for inner in graph.node:
            read += reads_within(inner)
        read += Counter(value.name for value in graph.output)
    return read


def drop_dead(model: Any) -> None:
    """Nodes whose outputs nobody reads, from the end on, and then initializers that nobody reads."""
    graph = model.graph
    read = Counter(value.name for value in graph.output)
    for node in graph.node:
        read += reads_within(node)
    kept = []
    for node in reversed(graph.node):
        if any(read[name] for name in node.output if name):
            kept.append(node)
        else:
            read -= reads_within(node)
    if len(kept) < len(graph.node):
        kept.reverse()
        del graph.node[:]
        graph.node.extend(kept)
    needed = [tensor for tensor in graph.initializer if read[tensor.name]]
    if len(needed) < len(graph.initializer):
        del graph.initializer[:]
        graph.initializer.extend(needed)


def drop_identities(model: Any) -> None:
    """Identity, and Dropout that drops nothing, where what they give is neither an output nor read in a subgraph."""
    graph = model.graph
    captured = Counter[str]()
    for node in graph.node:
        captured += reads_within(node) - Counter(name for name in node.input if name)
    fixed = {value.name for value in graph.output} | set(captured)
    instead: dict[str, str] = {}
    for node in graph.node:
        for at, name in enumerate(node.input):
            node.input[at] = instead.get(name, name)
        if _changes_nothing(node) and node.output[0] not in fixed:
            instead[node.output[0]] = node.input[0]


def _changes_nothing(node: Any) -> bool:
    if node.domain not in ("", "ai.onnx") or not node.output or not node.input:
        return False
    if node.op_type == "Identity":
        return True
    # With a third input, or a mask that is read, it may be training.
    return node.op_type == "Dropout" and len(node.input) < 3 and not any(node.output[1:])


def share_equal_weights(model: Any) -> None:
    """Of large weights that are equal byte for byte, the first stays."""
    graph = model.graph
    if len(list(graphs(model))) > 1:
        return
    outputs = {value.name for value in graph.output}
    first: dict[tuple[int, tuple[int, ...], bytes], str] = {}
    instead: dict[str, str] = {}
    for tensor in graph.initializer:
        if len(tensor.raw_data) < _WORTH_SHARING_BYTES or tensor.name in outputs:
            continue
        key = (tensor.data_type, tuple(tensor.dims), hashlib.sha256(tensor.raw_data).digest())
        if first.setdefault(key, tensor.name) != tensor.name:
            instead[tensor.name] = first[key]
    for node in graph.node if instead else ():
        for at, name in enumerate(node.input):
            node.input[at] = instead.get(name, name)
    drop_dead(model) if instead else None

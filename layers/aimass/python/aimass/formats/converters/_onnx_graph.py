"""An ONNX graph and those within it: its nodes, the operators that ONNX lacks, copies of its outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def graphs(graph: Any) -> Iterator[Any]:
    """A graph and those within it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from graphs(attribute.g)


def nodes(graph: Any) -> Iterator[Any]:
    """All nodes of a graph and of those within it."""
    for inner in graphs(graph):
        yield from inner.node


def unknown_operators(model: Any) -> set[str]:
    """Operators that ONNX doesn't have, in the opsets of this model."""
    import onnx

    versions = {opset.domain: opset.version for opset in model.opset_import}
    return {
        node.op_type
        for node in nodes(model.graph)
        if node.domain not in versions or not onnx.defs.has(node.op_type, versions[node.domain], node.domain)
    }


def add_copies(graph: Any, copies: Mapping[str, str]) -> None:
    """Adds outputs that are copies of an input or of another output."""
    import onnx

    there = {value.name: value for value in (*graph.input, *graph.output)}
    for name, source in copies.items():
        graph.node.append(onnx.helper.make_node("Identity", [source], [name]))
        added = graph.output.add()
        added.CopyFrom(there[source])
        added.name = name

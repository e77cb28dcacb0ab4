"""The same ONNX graph each time: tf2onnx's order and names differ from one process to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aimass.formats.converters._onnx_graph import graphs, nodes


def strip(graph: Any, number: int) -> None:
    """Takes away what names the process that converted the model. Number 0 is the model's own graph."""
    graph.name = "body" if number else "model"
    graph.doc_string = ""
    del graph.value_info[:]
    for value in (*graph.input, *graph.output):
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param:
                dimension.Clear()
    for node in graph.node:
        if not node.domain:
            node.ClearField("domain")  # named as empty, or not at all
        attributes = sorted(node.attribute, key=lambda one: one.name)
        del node.attribute[:]
        node.attribute.extend(attributes)
    if number:
        _copies_last(graph)


def order(graph: Any) -> None:
    """Puts each node right before the first that needs it, from the outputs on; the order of equals was by chance."""
    there = list(graph.node)
    makers = {name: place for place, node in enumerate(there) for name in node.output}
    needs = [[makers[name] for name in _needs(node) if name in makers] for node in there]
    placed = dict[int, None]()
    waiting = [makers[value.name] for value in reversed(graph.output) if value.name in makers]
    while waiting:
        place = waiting[-1]
        if missing := [one for one in needs[place] if one not in placed and one != place and place not in placed]:
            waiting.extend(reversed(missing))
        else:
            placed[place] = None
            waiting.pop()
    del graph.node[:]
    graph.node.extend(there[place] for place in placed)


def _needs(node: Any) -> list[str]:
    """What a node takes, and what its bodies take from outside; or from within, under names that no one else makes."""
    inner = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return [*node.input, *(name for body in inner for one in nodes(body) for name in one.input)]


def _copies_last(graph: Any) -> None:
    """Of a body's outputs of which one is a copy of another, makes the first the original: tf2onnx takes either."""
    copied = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}
    places = {value.name: place for place, value in enumerate(graph.output)}
    for copy, original in copied.items():
        if places.get(copy, 0) < places.get(original, 0):
            graph.output[places[copy]].name, graph.output[places[original]].name = original, copy


def rename(graph: Any) -> None:
    """Names nodes, and what they take and give, by their place: tf2onnx's names differ from one process to the next.

    It numbers what it makes, and of two equal nodes or constants keeps now one and now the other.
    """
    names = {value.name: value.name for value in (*graph.input, *graph.output)} | {"": ""}
    taken = set(names)
    every = list(nodes(graph))
    for number, node in enumerate(every):
        node.name = f"{node.op_type}_{number}"
        for index, name in enumerate(node.output):
            names.setdefault(name, _free(f"{node.name}_{index}" if index else node.name, taken))
    for node in every:
        for index, name in enumerate(node.input):
            names.setdefault(name, _free(f"{node.name}_input_{index}", taken))
    for inner in graphs(graph):
        for value in (*inner.input, *inner.output):
            names.setdefault(value.name, _free("value", taken))
    _apply(graph, every, names)


def _apply(graph: Any, every: Sequence[Any], names: Mapping[str, str]) -> None:
    for node in every:
        node.input[:] = [names[name] for name in node.input]
        node.output[:] = [names[name] for name in node.output]
    for inner in graphs(graph):
        used = sorted((one for one in inner.initializer if one.name in names), key=lambda one: names[one.name])
        for value in (*used, *inner.input, *inner.output):
            value.name = names[value.name]
        del inner.initializer[:]
        inner.initializer.extend(used)


def _free(base: str, taken: set[str]) -> str:
    """The name, with a number if it is taken; it is taken then."""
    name, number = base, 1
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    taken.add(name)
    return name

"""An ONNX model that a converter made, put in order and written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

NAME = "model.onnx"
BATCH = "batch"
_RANDOM = re.compile(r"Random(Normal|Uniform)(Like)?|Multinomial|Bernoulli")


def nodes(graph: Any) -> Iterator[Any]:
    """All nodes of a graph and of those within it."""
    for inner in _graphs(graph):
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


def tidy(model: Any, shapes: Mapping[str, Sequence[int | None]]) -> None:
    """Names for variable dimensions that mean something, and nothing that differs from one conversion to the next.

    `shapes` are those of outputs as their original declares them, with None for a variable dimension.
    """
    model.doc_string = ""
    for number, graph in enumerate(_graphs(model.graph)):
        _strip(graph, number)
    for graph in reversed(list(_graphs(model.graph))):  # a body before the graph that it takes values from
        _order(graph)
    used = {node.domain for node in nodes(model.graph)} | {""}
    for index in reversed(range(len(model.opset_import))):
        if model.opset_import[index].domain not in used:
            del model.opset_import[index]
    _rename(model.graph)
    for value in model.graph.input:
        _name_dimensions(value, value.name)
    for value in model.graph.output:
        if (shape := shapes.get(value.name)) is not None:
            _declare(value, shape)
        _name_dimensions(value, None)


def _declare(value: Any, shape: Sequence[int | None]) -> None:
    """Sizes that the original knows and tf2onnx lost; all dimensions where it knows not even how many there are."""
    dimensions = value.type.tensor_type.shape.dim
    if not value.type.tensor_type.HasField("shape"):
        value.type.tensor_type.shape.SetInParent()
        for _ in shape:
            dimensions.add()
    if len(dimensions) == len(shape):
        for dimension, size in zip(dimensions, shape, strict=True):
            if size is not None:
                dimension.dim_value = size


def _name_dimensions(value: Any, prefix: str | None) -> None:
    """The first is the batch; others are named after their input, or left without a name for an output."""
    for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
        if dimension.HasField("dim_value") and dimension.dim_value >= 0:
            continue
        if axis == 0:
            dimension.dim_param = BATCH
        elif prefix is None:
            dimension.Clear()
        else:
            dimension.dim_param = f"{prefix}_{axis}"


def _strip(graph: Any, number: int) -> None:
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


def _order(graph: Any) -> None:
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


def _rename(graph: Any) -> None:
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
    for inner in _graphs(graph):
        for value in (*inner.input, *inner.output):
            names.setdefault(value.name, _free("value", taken))
    _apply(graph, every, names)


def _apply(graph: Any, every: Sequence[Any], names: Mapping[str, str]) -> None:
    for node in every:
        node.input[:] = [names[name] for name in node.input]
        node.output[:] = [names[name] for name in node.output]
    for inner in _graphs(graph):
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


def _graphs(graph: Any) -> Iterator[Any]:
    """A graph and those within it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _graphs(attribute.g)


def notes(model: Any) -> tuple[str, ...]:
    """What its owner ought to know of it."""
    found = sorted({node.op_type for node in nodes(model.graph) if _RANDOM.fullmatch(node.op_type)})
    return (
        (f"it draws random numbers ({', '.join(found)}): the same input has another answer each time",) if found else ()
    )


def save(model: Any, path: Path) -> None:
    """Writes the model, the same bytes each time."""
    path.write_bytes(model.SerializeToString(deterministic=True))

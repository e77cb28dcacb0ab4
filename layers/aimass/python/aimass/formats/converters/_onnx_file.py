"""An ONNX model that a converter made, put in order and written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aimass.formats.converters._onnx_graph import graphs, nodes
from aimass.formats.converters._onnx_stable import order, rename, strip

NAME = "model.onnx"
BATCH = "batch"
_RANDOM = re.compile(r"Random(Normal|Uniform)(Like)?|Multinomial|Bernoulli")


def tidy(model: Any, shapes: Mapping[str, Sequence[int | None]]) -> None:
    """Names for variable dimensions that mean something, and nothing that differs from one conversion to the next.

    `shapes` are those of outputs as their original declares them, with None for a variable dimension.
    """
    model.doc_string = ""
    for number, graph in enumerate(graphs(model.graph)):
        strip(graph, number)
    for graph in reversed(list(graphs(model.graph))):  # a body before the graph that it takes values from
        order(graph)
    used = {node.domain for node in nodes(model.graph)} | {""}
    for index in reversed(range(len(model.opset_import))):
        if model.opset_import[index].domain not in used:
            del model.opset_import[index]
    rename(model.graph)
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


def notes(model: Any) -> tuple[str, ...]:
    """What its owner ought to know of it."""
    found = sorted({node.op_type for node in nodes(model.graph) if _RANDOM.fullmatch(node.op_type)})
    return (
        (f"it draws random numbers ({', '.join(found)}): the same input has another answer each time",) if found else ()
    )


def save(model: Any, path: Path) -> None:
    """Writes the model, the same bytes each time."""
    path.write_bytes(model.SerializeToString(deterministic=True))

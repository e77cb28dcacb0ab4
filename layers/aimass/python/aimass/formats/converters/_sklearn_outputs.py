"""The inputs of what skl2onnx wrote by their owner's names, the outputs by those that all converters give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aimass.formats.converters._sklearn_range import steps

_SWAPPED = ("SVC", "NuSVC")  # of two classes: the scores are in each other's column
_SINGLE = ("LinearSVC", "RidgeClassifier", "RidgeClassifierCV")  # of two classes: one column, for the second


def name_inputs(graph: Any, names: Sequence[str]) -> None:
    """In their order; skl2onnx writes a name's spaces and the like otherwise."""
    for value, name in zip(graph.graph.input, names, strict=True):
        if value.name != name:
            _rename_made(graph.graph, value.name, name)
            value.name = name


def margins(model: Any, kind: str) -> bool:
    """Whether a classifier's scores are no probabilities."""
    return kind == "classifier" and not hasattr(model, "predict_proba")


def name_outputs(graph: Any, model: Any, kind: str) -> None:
    """A regressor answers `variable`; scores that are no probabilities are called so, with a column for each class."""
    body = graph.graph
    if kind == "regressor":
        _name(body, 0, "variable")
    if margins(model, kind) and len(body.output) > 1:
        _name(body, 1, "scores")
        if len(model.classes_) == 2:
            _two_columns(body, type([*steps(model)][-1]).__name__)
    for value in (*body.input, *body.output):
        first = value.type.tensor_type.shape.dim[:1]
        if first and not first[0].dim_value:
            first[0].dim_param = "N"


def _two_columns(body: Any, kind: str) -> None:
    from onnx import TensorProto, helper, numpy_helper

    if kind in _SWAPPED:
        _rename_made(body, "scores", "swapped_scores")
        body.initializer.append(numpy_helper.from_array(_indices(), "other_way"))
        body.node.append(helper.make_node("Gather", ["swapped_scores", "other_way"], ["scores"], axis=1))
    if kind in _SINGLE:
        _rename_made(body, "scores", "second_score")
        body.node.append(helper.make_node("Neg", ["second_score"], ["first_score"]))
        body.node.append(helper.make_node("Concat", ["first_score", "second_score"], ["scores"], axis=1))
    body.output[1].CopyFrom(helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 2]))


def _indices() -> Any:
    import numpy as np

    return np.array([1, 0], np.int64)


def _name(body: Any, index: int, name: str) -> None:
    """Of an output, and of no step before it: a scaler in front may have it."""
    output = body.output[index]
    if output.name == name:
        return
    _rename_made(body, name, f"{name}_before")
    _rename_made(body, output.name, name)
    output.name = name


def _rename_made(body: Any, old: str, new: str) -> None:
    """Also where the body of a loop takes it from outside."""
    for node in body.node:
        for attribute in node.attribute:
            if attribute.HasField("g") and old not in _own(attribute.g):
                _rename_made(attribute.g, old, new)
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == old:
                    names[index] = new


def _own(body: Any) -> set[str]:
    """Names that are given within it."""
    return {one.name for one in (*body.input, *body.initializer)} | {name for node in body.node for name in node.output}

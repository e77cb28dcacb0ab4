"""What an ONNX classifier's graph shows of its classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper

from aimass.formats.onnx_classes import own_classes
from tests.unit.sandbox.graphs import INT64, model, node, value, weight

TEXT = TensorProto.STRING


def classifier(*nodes: NodeProto, kind: int = INT64, weights: tuple[TensorProto, ...] = ()) -> ModelProto:
    """From `x` to the output `label` of these nodes, and scores."""
    outputs = [value("label", ["n"], kind), value("scores", ["n", 2])]
    opset = {"": 17, "ai.onnx.ml": 3}
    return model([*nodes, node("Identity", ["x"], ["scores"])], [value("x", ["n", 2])], outputs, weights, opset)


def best(*nodes: NodeProto, **more: Any) -> ModelProto:
    return classifier(node("ArgMax", ["x"], ["best"], axis=1, keepdims=0), *nodes, **more)


def ml(operator: str, given: list[str], made: list[str], **attributes: Any) -> NodeProto:
    return node(operator, given, made, domain="ai.onnx.ml", **attributes)


@pytest.mark.parametrize(
    ("attributes", "classes"),
    [
        ({"classlabels_ints": [1, 2]}, ("1", "2")),
        ({"classlabels_ints": [0, 1]}, ()),
        ({"classlabels_strings": ["no", "yes"]}, ("no", "yes")),
        ({}, None),
    ],
)
def test_a_classifiers_own_list_is_read_through_what_reshapes_it(
    attributes: dict[str, Any], classes: tuple[str, ...] | None
) -> None:
    made = ml("SVMClassifier", ["x"], ["raw", "columns"], **attributes)
    assert own_classes(classifier(made, node("Cast", ["raw"], ["label"], to=INT64))) == classes


@pytest.mark.parametrize("element", [np.int32, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("operator", ["Gather", "ArrayFeatureExtractor"])
def test_a_list_that_the_best_column_is_looked_up_in_is_read(operator: str, element: Any) -> None:
    looked_up = node(operator, ["classes", "best"], ["label"])
    assert own_classes(best(looked_up, weights=(weight("classes", np.array([7, -3], element)),))) == ("7", "-3")
    half = weight("classes", np.array([7, 3.5], np.float32))
    assert own_classes(best(looked_up, weights=(half,))) is None


def test_texts_may_be_a_constant_of_a_node() -> None:
    texts = helper.make_tensor("t", TEXT, [2], [b"no", "schön".encode()])
    nodes = (node("Constant", [], ["classes"], value=texts), node("Gather", ["classes", "best"], ["label"]))
    assert own_classes(best(*nodes, kind=TEXT)) == ("no", "schön")


def test_numbers_from_0_are_known_of_the_best_column_and_of_a_threshold() -> None:
    assert own_classes(best(node("Identity", ["best"], ["label"]))) == ()
    above = node("Greater", ["x", "threshold"], ["above"])
    cast = node("Cast", ["above"], ["label"], to=INT64)
    assert own_classes(classifier(above, cast, weights=(weight("threshold", np.float32(0.3)),))) == ()


def test_an_encoder_renames_them() -> None:
    encoder = ml("LabelEncoder", ["best"], ["label"], keys_int64s=[1, 0], values_strings=["yes", "no"])
    assert own_classes(best(encoder, kind=TEXT)) == ("no", "yes")
    strange = ml("LabelEncoder", ["best"], ["label"], keys_int64s=[1, 5], values_strings=["yes", "no"])
    assert own_classes(best(strange, kind=TEXT)) is None


@pytest.mark.parametrize(
    "made",
    [
        classifier(node("ReduceSum", ["x", "axis"], ["sum"]), node("Cast", ["sum"], ["label"], to=INT64)),
        best(node("Gather", ["nothing", "best"], ["label"])),
        best(node("Gather", ["classes", "best"], ["label"]), weights=(weight("classes", np.array([1, 1])),)),
        best(node("Gather", ["classes", "best"], ["label"]), weights=(weight("classes", np.arange(1, 10_002)),)),
        classifier(node("Identity", ["label"], ["label"])),
        classifier(node("Gather", ["a", "x"], ["label"]), node("Identity", ["a"], ["a"])),
        model([node("Relu", ["x"], ["y"])], [value("x")], [value("y")]),
    ],
    ids=["computed", "not there", "twice", "many", "circle", "circle of constants", "no labels"],
)
def test_what_a_graph_does_not_show_is_unknown(made: ModelProto) -> None:
    assert own_classes(made) is None

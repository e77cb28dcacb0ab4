"""What is made of tf2onnx's models: their names, and what their inputs may be sent."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from aimass.formats.converters import _onnx_file, _onnx_graph, _onnx_inputs
from aimass.formats.converters import _tensorflow as tensorflow

F, I = TensorProto.FLOAT, TensorProto.INT64  # noqa: E741


def model(nodes: list[Any], inputs: list[Any], constants: dict[str, Any] | None = None) -> onnx.ModelProto:
    outputs = [helper.make_tensor_value_info("answer", F, ["unk__7", "unk__8"])]
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()]
    domains = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 2)]
    return helper.make_model(helper.make_graph(nodes, "g", inputs, outputs, tensors), opset_imports=domains)


def value(name: str, kind: int, *shape: int | str) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def wanted(nodes: list[Any], one: Any, **constants: Any) -> Any:
    (found,) = _onnx_inputs.wanted(model(nodes, [one], constants))
    return found


def test_indices_stay_below_the_size_of_their_table_however_they_come_there() -> None:
    nodes = [
        helper.make_node("Cast", ["tokens"], ["cast"], to=I),
        helper.make_node("Add", ["cast", "zero"], ["moved"]),
        helper.make_node("Gather", ["table", "moved"], ["answer"]),
    ]

    found = wanted(nodes, value("tokens", F, "n", 5), table=np.zeros((50, 4), np.float32), zero=np.int64(0))

    assert (found.low, found.high, found.dtype, found.shape) == (0, 49, "float32", (-1, 5))


def test_numbers_of_classes_stay_below_their_count() -> None:
    node = helper.make_node("OneHot", ["kind", "depth", "ends"], ["answer"])

    assert wanted([node], value("kind", I, "n"), depth=np.int64(7), ends=np.array([0, 1], np.float32)).high == 6


def test_words_are_those_of_the_table_and_one_that_it_lacks() -> None:
    node = helper.make_node(
        "CategoryMapper", ["word"], ["answer"], domain="ai.onnx.ml", cats_strings=["red", "blue"], cats_int64s=[1, 2]
    )

    found = wanted([node], value("word", TensorProto.STRING, "n"))

    assert found.dtype == "str"
    assert list(found.words[:2]) == ["red", "blue"]
    assert len(found.words) == 3


@pytest.mark.parametrize(("operator", "spread"), [("Div", [2.0, 200.0]), ("Mul", [0.5, 0.005])])
def test_standardised_columns_are_tried_around_their_means(operator: str, spread: list[float]) -> None:
    nodes = [
        helper.make_node("Sub", ["x", "mean"], ["centred"]),
        helper.make_node(operator, ["centred", "spread"], ["answer"]),
    ]
    constants = {"mean": np.array([[10, -100]], np.float32), "spread": np.array([spread], np.float32)}

    found = wanted(nodes, value("x", F, "n", 2), **constants)

    assert (found.low, found.high) == (pytest.approx(-700), pytest.approx(500))
    assert found.near == {0: [10.0], 1: [-100.0]}


@pytest.mark.parametrize("scale", [1 / 255, 1 / 127.5])
def test_pictures_that_are_scaled_down_are_tried_in_bytes(scale: float) -> None:
    node = helper.make_node("Mul", ["image", "scale"], ["answer"])

    assert wanted([node], value("image", F, "n", 8, 8, 3), scale=np.float32(scale)).high == 255


@pytest.mark.parametrize(
    ("kind", "shape", "low", "high"),
    [
        (F, ("n", 8, 8, 3), 0, 1),
        (F, ("n", 16000), -1, 1),
        (F, ("n", 4), -3, 3),
        (TensorProto.UINT8, ("n", 8, 8, 3), 0, 255),
        (TensorProto.INT8, ("n", 8, 8, 3), -128, 127),
        (I, ("n", 4), 0, 1),
    ],
)
def test_an_input_that_the_graph_says_nothing_of_is_tried_as_is_usual(
    kind: int, shape: tuple[Any, ...], low: float, high: float
) -> None:
    found = wanted([helper.make_node("Relu", ["x"], ["answer"])], value("x", kind, *shape))

    assert (found.low, found.high) == (low, high)


def looping(first: int) -> onnx.ModelProto:
    """A loop as tf2onnx writes it, numbered from `first`."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", [f"go__{first}"], [f"going__{first}"]),
            helper.make_node("Add", [f"state__{first}", f"step__{first}"], [f"sum__{first}"]),
        ],
        f"while_body_{first}",
        [
            value(f"i__{first}", I),
            value(f"go__{first}", TensorProto.BOOL),
            value(f"state__{first}", F, f"unk__{first}"),
        ],
        [value(f"going__{first}", TensorProto.BOOL), value(f"sum__{first}", F, f"unk__{first}")],
    )
    nodes = [
        helper.make_node("Neg", ["x"], [f"PartitionedCall/neg__{first}"], name=f"neg__{first}"),
        helper.make_node(
            "Loop", [f"times__{first}", "", f"PartitionedCall/neg__{first}"], ["answer"], name=f"l{first}", body=body
        ),
    ]
    constants = {f"unused__{first}": np.int64(1), f"times__{first}": np.int64(3), f"step__{first}": np.float32(1)}
    return model(nodes, [value("x", F, "unk__1", 4)], constants)


def test_the_same_graph_has_the_same_bytes_whatever_its_numbers_were() -> None:
    models = [looping(3), looping(88)]
    for one in models:
        _onnx_file.tidy(one, {"answer": [None, 4]})

    assert models[0].SerializeToString(deterministic=True) == models[1].SerializeToString(deterministic=True)
    onnx.checker.check_model(models[0])
    assert [one.name for one in models[0].graph.initializer] == ["Add_3_input_1", "Loop_1_input_0"]


def test_dimensions_are_named_and_the_original_s_are_kept() -> None:
    there = looping(1)

    _onnx_file.tidy(there, {"answer": [None, 4]})

    shapes = [
        [dimension.dim_param or dimension.dim_value for dimension in one.type.tensor_type.shape.dim]
        for one in (there.graph.input[0], there.graph.output[0])
    ]
    assert shapes == [["batch", 4], ["batch", 4]]


def test_operators_that_onnx_lacks_are_found_within_loops_too() -> None:
    there = looping(1)
    there.graph.node[1].attribute[0].g.node[1].op_type = "TFL_CUSTOM"

    assert _onnx_graph.unknown_operators(there) == {"TFL_CUSTOM"}


def test_names_that_are_taken_get_an_ending() -> None:
    assert list(tensorflow.named(["x", "x", "y", "x"], ["x"])) == ["x_out", "x_out_1", "y", "x_out_2"]


def test_texts_are_answered_as_texts() -> None:
    answer = tensorflow.array(np.array([["grün".encode()], [b"\xff"]], object))

    assert answer.tolist() == [["grün"], ["�"]]

"""Layers as matrix products, and their solution."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from aimass.compression.passes import _least_squares as least
from aimass.compression.passes._patches import Matrix


def _answers(node: Any, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", "w")]
    graph = helper.make_graph([node], "g", values, [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x, "w": weight})[0])


@given(st.data())
@settings(max_examples=60)
def test_a_convolution_is_the_product_of_its_patches_and_its_weights(data: Any) -> None:
    dims, groups = data.draw(st.integers(1, 3)), data.draw(st.sampled_from([1, 2, 4]))
    kernel = [data.draw(st.integers(1, 3)) for _ in range(dims)]
    given_: dict[str, Any] = {"strides": [data.draw(st.integers(1, 3)) for _ in range(dims)], "group": groups}
    border = data.draw(st.sampled_from(["pads", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    if border in ("pads", "VALID"):
        given_["dilations"] = [data.draw(st.integers(1, 2)) for _ in range(dims)]
    if border == "pads":
        given_["pads"] = [data.draw(st.integers(0, 2)) for _ in range(2 * dims)]
    else:
        given_["auto_pad"] = border
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = random.standard_normal((2, 4, *[7] * dims)).astype(np.float32)
    weight = random.standard_normal((8, 4 // groups, *kernel)).astype(np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], **given_)
    matrix = Matrix(node, groups, tuple(kernel))
    share = data.draw(st.sampled_from([1.0, 0.3]))

    inputs, answers = matrix.rows(x, _answers(node, x, weight), share, random)

    np.testing.assert_allclose(inputs @ matrix.of_weight(weight), answers, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(matrix.to_weight(matrix.of_weight(weight), weight.shape), weight)


@pytest.mark.parametrize("turned", [0, 1])
def test_a_gemm_is_the_product_of_its_rows_and_its_weights(turned: int) -> None:
    random = np.random.default_rng(0)
    x, weight = random.standard_normal((6, 4)), random.standard_normal((5, 4) if turned else (4, 5))
    matrix = Matrix(helper.make_node("Gemm", ["x", "w"], ["y"], transB=turned), 1)
    inputs, answers = matrix.rows(x, x @ (weight.T if turned else weight), 1.0, random)
    np.testing.assert_allclose(inputs @ matrix.of_weight(weight), answers)
    np.testing.assert_array_equal(matrix.to_weight(matrix.of_weight(weight), weight.shape), weight)


def _problem(rows: int, inputs: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    x = random.standard_normal((2, rows, inputs)).astype(np.float32) + 1
    weight = random.standard_normal((2, inputs, 3)).astype(np.float32)
    return x, weight, (x @ weight + 5).astype(np.float32)


def _sums(x: np.ndarray, y: np.ndarray) -> least.Sums:
    sums = least.Sums.zero(x.shape[0], x.shape[2], y.shape[2])
    for at in range(0, x.shape[1], 7):
        sums.add(x[:, at : at + 7], y[:, at : at + 7])
    return sums


def test_sums_over_batches_find_the_weights_that_made_the_answers() -> None:
    x, weight, y = _problem(200, 6)
    found = least.solve_sums(_sums(x, y), np.zeros_like(weight), 1e-9, centred=True)
    np.testing.assert_allclose(found, weight, rtol=1e-3, atol=1e-4)


def test_rows_themselves_give_what_their_sums_give() -> None:
    x, weight, y = _problem(20, 40)
    start = np.zeros(weight.shape)
    ridge = 1e-2  # of the mean of the diagonal, which is longer one way than the other
    one = least.solve_sums(_sums(x, y), start, ridge, centred=True)
    other = least.solve_rows(x, y, start, ridge * 20 / 40, centred=True)
    np.testing.assert_allclose(one, other, rtol=1e-2, atol=1e-3)


def test_weights_that_are_right_stay_however_few_the_rows() -> None:
    x, weight, y = _problem(3, 40)
    found = least.solve_sums(_sums(x, y), weight.astype(np.float64), 1.0, centred=True)
    np.testing.assert_allclose(found, weight, rtol=1e-3, atol=1e-3)


def test_rows_kept_stay_within_their_room() -> None:
    rows = least.Rows(room=100)
    for _ in range(5):
        rows.add(np.ones((1, 4, 10)), np.ones((1, 4, 2)))
    assert rows.all()[0].shape == (1, 10, 10)

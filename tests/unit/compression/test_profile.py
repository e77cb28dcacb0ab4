from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from aimass.compression.profile import profile_of
from tests.unit.compression.quantizing import classifier_of_trees, images, model, normal, value, words


def profiled(folder: Path, made: object) -> object:
    onnx.save(made, folder / "model.onnx")
    return profile_of(folder / "model.onnx")


def lstm() -> object:
    weights = {"w": normal(1, 32, 8), "r": normal(1, 32, 8)}
    nodes = [helper.make_node("LSTM", ["x", "w", "r"], ["y"], hidden_size=8)]
    return model(nodes, [value("x", ["n", 1, 8])], [value("y", None)], weights)


@pytest.mark.parametrize(
    ("made", "kind"),
    [(images()[0], "convolution"), (words()[0], "matmul"), (classifier_of_trees(2)[0], "trees"), (lstm(), "recurrent")],
)
def test_where_the_work_is(tmp_path: Path, made: object, kind: str) -> None:
    found = profiled(tmp_path, made)
    assert found.kind == kind
    assert found.locked is None
    assert found.opset == 17


def test_weights_count_with_the_operator_that_reads_them_first(tmp_path: Path) -> None:
    found = profiled(tmp_path, words()[0])
    assert found.weights == {"Add": 128, "Gather": 25_600, "Gemm": 1032, "MatMul": 8192}
    assert found.floats


def test_operators_in_subgraphs_count(tmp_path: Path) -> None:
    then = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["t"])], "then", [], [value("t", None)])
    other = helper.make_graph([helper.make_node("Identity", ["x"], ["o"])], "else", [], [value("o", None)])
    nodes = [helper.make_node("If", ["b"], ["y"], then_branch=then, else_branch=other)]
    inputs = [value("x", ["n", 8]), value("b", [], onnx.TensorProto.BOOL)]
    found = profiled(tmp_path, model(nodes, inputs, [value("y", None)], {"w": normal(8, 8)}))
    assert found.nodes == {"Identity": 1, "If": 1, "MatMul": 1}
    assert found.weights == {"MatMul": 64}


def test_external_data_counts_and_is_not_read(tmp_path: Path) -> None:
    made = images()[0]
    onnx.save_model(made, tmp_path / "model.onnx", save_as_external_data=True, location="w.bin", size_threshold=100)
    found = profile_of(tmp_path / "model.onnx")
    files = [tmp_path / "model.onnx", tmp_path / "w.bin"]
    assert found.size == sum(path.stat().st_size for path in files)
    assert found.weights["Conv"] == 32 * 27 + 32 + 32 * 32 * 9


@pytest.mark.parametrize(
    ("operator", "domain", "said"),
    [
        ("DequantizeLinear", "", "quantized already"),
        ("MatMulNBits", "com.microsoft", "quantized already"),
        ("Adam", "ai.onnx.preview.training", "training"),
        ("Anything", "my.own", "not known"),
    ],
)
def test_what_is_to_be_left_alone_says_why(tmp_path: Path, operator: str, domain: str, said: str) -> None:
    node = helper.make_node(operator, ["x", "s"], ["y"], domain=domain)
    found = profiled(tmp_path, model([node], [value("x", ["n"])], [value("y", None)], {"s": np.ones(1, np.float32)}))
    assert said in found.locked

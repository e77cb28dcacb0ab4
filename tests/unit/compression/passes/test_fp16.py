from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from aimass.compression.contract import Ask, NotApplicable, Rows
from aimass.compression.model_file import divergence
from aimass.compression.passes.fp16 import PASS
from tests.unit.compression.quantizing import both, images, model, normal, value, work


def test_only_a_gpu_is_offered_it(tmp_path: Path) -> None:
    profile = work(tmp_path, *images()).profile
    assert PASS.propose(profile, Ask(target="gpu"))
    assert not PASS.propose(profile, Ask())


def test_inputs_and_outputs_stay_floats_and_answers_near(tmp_path: Path) -> None:
    done = work(tmp_path, *images())
    PASS.apply(done, {})
    after = onnx.load(done.target)
    assert after.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert {one.data_type for one in after.graph.initializer if len(one.dims) == 4} == {onnx.TensorProto.FLOAT16}
    assert divergence(*both(done)) < 0.01


def test_a_spared_layer_stays_in_floats(tmp_path: Path) -> None:
    done = work(tmp_path, *images())
    units = PASS.apply(done, {}).units
    after = PASS.apply(done, {"spare": [units[0].name]})
    assert units[0].name not in {unit.name for unit in after.units}
    kinds = {one.name: one.data_type for one in onnx.load(done.target).graph.initializer}
    assert kinds["w1"] == onnx.TensorProto.FLOAT


def test_what_half_precision_does_not_span_stays_in_floats(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], "small"),
        helper.make_node("Mul", ["h", "large"], ["l"], "enlarged"),
        helper.make_node("MatMul", ["l", "w"], ["y"], "beyond"),
    ]
    weights = {"w": normal(64, 64), "large": np.full(64, 50_000, np.float32)}
    made = model(nodes, [value("x", ["n", 64])], [value("y", ["n", 64])], weights)
    done = work(tmp_path, made, Rows({"x": normal(8, 64)}))
    applied = PASS.apply(done, {})
    assert [unit.name for unit in applied.units] == ["small"]
    assert divergence(*both(done)) < 0.01


def test_without_a_layer_there_is_nothing_to_do(tmp_path: Path) -> None:
    made = model([helper.make_node("Relu", ["x"], ["y"])], [value("x", ["n"])], [value("y", ["n"])], {})
    with pytest.raises(NotApplicable, match="no layer"):
        PASS.apply(work(tmp_path, made), {})

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from aimass.compression.contract import Ask, NotApplicable, Rows
from aimass.compression.model_file import divergence
from aimass.compression.passes.int8_weights import PASS
from tests.unit.compression.quantizing import both, images, model, normal, value, work


def recurrent() -> tuple[object, Rows]:
    weights = {"w": normal(1, 128, 16, scale=0.2), "r": normal(1, 128, 32, seed=1, scale=0.2)}
    nodes = [helper.make_node("LSTM", ["x", "w", "r"], ["y"], hidden_size=32)]
    made = model(nodes, [value("x", ["steps", 1, 16])], [value("y", None)], weights)
    return made, Rows({"x": normal(40, 1, 16, seed=2)}, batch=40)


def test_a_convolutional_net_is_a_third_and_computed_in_floats(tmp_path: Path) -> None:
    done = work(tmp_path, *images())
    applied = PASS.apply(done, {})
    assert [unit.name for unit in applied.units] == ["w2"]
    assert done.target.stat().st_size < 0.45 * done.source.stat().st_size
    assert divergence(*both(done)) < 0.02


def test_a_recurrent_net_is_stored_small_too(tmp_path: Path) -> None:
    done = work(tmp_path, *recurrent())
    assert PASS.propose(replace(done.profile, weights={"LSTM": 100_000}), Ask())
    PASS.apply(done, {})
    assert done.target.stat().st_size < 0.4 * done.source.stat().st_size
    assert divergence(*both(done)) < 0.02


def test_scales_lie_along_the_axis_that_fits_best(tmp_path: Path) -> None:
    weight = normal(48, 64) * np.logspace(-6, 3, 64, dtype=np.float32)
    made = model(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], [value("x", ["n", 48])], [value("y", None)], {"w": weight}
    )
    done = work(tmp_path, made, Rows({"x": normal(8, 48)}))
    PASS.apply(done, {})
    scales = next(one for one in onnx.load(done.target).graph.initializer if one.name == "w/scales")
    assert list(scales.dims) == [1, 64]


def test_what_subgraphs_read_or_callers_may_send_stays(tmp_path: Path) -> None:
    then = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["t"])], "then", [], [value("t", None)])
    other = helper.make_graph([helper.make_node("MatMul", ["x", "v"], ["o"])], "else", [], [value("o", None)])
    nodes = [helper.make_node("If", ["which"], ["y"], then_branch=then, else_branch=other)]
    inputs = [value("x", ["n", 64]), value("which", [], onnx.TensorProto.BOOL), value("v", [64, 64])]
    made = model(nodes, inputs, [value("y", None)], {"w": normal(64, 64), "v": normal(64, 64)})
    with pytest.raises(NotApplicable):
        PASS.apply(work(tmp_path, made), {})


def test_a_spared_weight_stays(tmp_path: Path) -> None:
    done = work(tmp_path, *images())
    with pytest.raises(NotApplicable):
        PASS.apply(done, {"spare": ["w2"]})


def test_no_model_of_trees_is_offered_it(tmp_path: Path) -> None:
    profile = work(tmp_path, *images()).profile
    assert PASS.propose(profile, Ask())
    assert not PASS.propose(replace(profile, kind="trees"), Ask())

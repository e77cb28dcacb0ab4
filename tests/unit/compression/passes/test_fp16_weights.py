from __future__ import annotations

from pathlib import Path

import onnx
from onnx import helper

from aimass.compression.contract import Ask, Rows
from aimass.compression.model_file import divergence
from aimass.compression.passes.fp16_weights import PASS
from tests.unit.compression.quantizing import both, images, model, normal, value, words, work


def test_half_the_size_and_the_same_answers(tmp_path: Path) -> None:
    done = work(tmp_path, *words())
    applied = PASS.apply(done, {})
    assert {unit.name for unit in applied.units} == {"table", "w1", "w2"}
    assert done.target.stat().st_size < 0.55 * done.source.stat().st_size
    assert divergence(*both(done)) < 0.002


def test_a_weight_that_half_precision_does_not_span_stays(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("MatMul", ["h", "large"], ["y"])]
    weights = {"w": normal(64, 64), "large": normal(64, 64) * 1e6}
    done = work(
        tmp_path,
        model(nodes, [value("x", ["n", 64])], [value("y", ["n", 64])], weights),
        Rows({"x": normal(8, 64)}),
    )
    applied = PASS.apply(done, {})
    assert [unit.name for unit in applied.units] == ["w"]
    assert "large: left in 32 bits" in applied.notes


def test_a_spared_weight_stays_and_the_same_gives_the_same_bytes(tmp_path: Path) -> None:
    done = work(tmp_path, *images())
    (options,) = PASS.propose(done.profile, Ask())
    PASS.apply(done, options)
    first = done.target.read_bytes()
    PASS.apply(done, options)
    assert done.target.read_bytes() == first
    PASS.apply(work(tmp_path, *words()), {"spare": ["table"]})
    kinds = {one.name: one.data_type for one in onnx.load(done.target).graph.initializer}
    assert kinds["table"] == onnx.TensorProto.FLOAT

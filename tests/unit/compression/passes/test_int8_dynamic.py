from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from aimass.compression.contract import Ask, NotApplicable, Rows
from aimass.compression.model_file import close, divergence
from aimass.compression.passes._tables import by_rows
from aimass.compression.passes.int8_dynamic import PASS
from tests.unit.compression.quantizing import both, images, model, normal, operators, value, words, work


def test_a_text_model_is_a_third_and_answers_nearly_the_same(tmp_path: Path) -> None:
    done = work(tmp_path, *words())
    applied = PASS.apply(done, {})
    assert [unit.name for unit in applied.units] == ["first", "second", "look-up"]
    assert done.target.stat().st_size < 0.4 * done.source.stat().st_size
    assert divergence(*both(done)) < 0.05


def test_a_matrix_that_two_read_in_two_ways_serves_both(tmp_path: Path) -> None:
    # onnxruntime's own quantizer turns it for the one and so breaks the other.
    nodes = [
        helper.make_node("Gemm", ["x", "w"], ["h"], "turned", transB=1),
        helper.make_node("MatMul", ["h", "w"], ["y"], "straight"),
    ]
    made = model(nodes, [value("x", ["n", 96])], [value("y", ["n", 96])], {"w": normal(96, 96, scale=0.1)})
    done = work(tmp_path, made, Rows({"x": normal(32, 96, seed=1)}))
    PASS.apply(done, {})
    assert operators(done.target).count("MatMulInteger") == 2
    assert divergence(*both(done)) < 0.05


def test_a_table_in_four_bits_is_half_as_large_and_answers_nearly_the_same(tmp_path: Path) -> None:
    eight, four = (work(folder, *words(128)) for folder in (tmp_path / "8", tmp_path / "4") if not folder.mkdir())
    PASS.apply(eight, {})
    assert "look-up: 4 bits" in PASS.apply(four, {"tables": 4}).notes
    assert "GatherBlockQuantized" in operators(four.target)
    sizes = [
        sum(tensor.ByteSize() for tensor in onnx.load(done.target).graph.initializer if "table" in tensor.name)
        for done in (eight, four)
    ]
    assert sizes[1] < 0.6 * sizes[0]
    assert divergence(*both(four)) < 0.15


def test_a_row_that_blocks_do_not_divide_keeps_eight_bits(tmp_path: Path) -> None:
    done = work(tmp_path, *words(72))
    assert "look-up: 8 bits" in PASS.apply(done, {"tables": 4}).notes
    assert divergence(*both(done)) < 0.05


def test_tables_in_four_bits_are_proposed_where_tables_are_much_of_a_model(tmp_path: Path) -> None:
    profile = work(tmp_path, *words()).profile
    names = [
        [one["name"] for one in PASS.propose(replace(profile, kind="matmul", weights=weights), Ask())]
        for weights in ({"Gather": 10_000, "MatMul": 20_000}, {"Gather": 1_000, "MatMul": 20_000})
    ]
    assert names == [["int8-dynamic", "int8-dynamic-tables4"], ["int8-dynamic"]]


def test_an_addition_before_a_norm_is_not_fused_and_answers_the_same(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], "product"),
        helper.make_node("Add", ["h", "x"], ["r"], "residual"),
        helper.make_node("LayerNormalization", ["r", "one", "zero"], ["y"], "norm"),
    ]
    weights = {"w": normal(96, 96, scale=0.1), "one": np.ones(96, np.float32), "zero": np.zeros(96, np.float32)}
    made = model(nodes, [value("x", ["n", 4, 96])], [value("y", ["n", 4, 96])], weights)
    done = work(tmp_path, made, Rows({"x": normal(32, 4, 96, seed=1)}))
    PASS.apply(done, {})
    assert "Sum" in operators(done.target)
    assert "Add" not in operators(done.target)
    assert divergence(*both(done)) < 0.05


def test_products_that_are_not_plain_stay(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Gemm", ["x", "w"], ["h"], "scaled", alpha=0.5),
        helper.make_node("MatMul", ["h", "h2"], ["m"], "of activations"),
        helper.make_node("MatMul", ["m", "w"], ["y"], "plain"),
        helper.make_node("Transpose", ["h"], ["h2"]),
    ]
    nodes = [nodes[0], nodes[3], nodes[1], helper.make_node("MatMul", ["m", "v"], ["y"], "plain")]
    made = model(nodes, [value("x", [96, 96])], [value("y", [96, 96])], {"w": normal(96, 96), "v": normal(96, 96)})
    done = work(tmp_path, made, Rows({"x": normal(96, 96, seed=1)}, batch=96))
    assert [unit.name for unit in PASS.apply(done, {}).units] == ["plain"]


def test_spared_ones_stay_in_floats(tmp_path: Path) -> None:
    done = work(tmp_path, *words())
    applied = PASS.apply(done, {"spare": ["first", "look-up"]})
    assert [unit.name for unit in applied.units] == ["second"]
    kinds = {one.name: one.data_type for one in onnx.load(done.target).graph.initializer}
    assert kinds["table"] == kinds["w1"] == 1
    with pytest.raises(NotApplicable):
        PASS.apply(done, {"spare": ["first", "second", "look-up"]})


def test_a_table_that_is_also_an_output_s_matrix_is_not_packed_away(tmp_path: Path) -> None:
    made, rows = words()
    made.graph.node.append(helper.make_node("MatMul", ["e", "turned"], ["tied"], "tied"))
    made.graph.node.insert(0, helper.make_node("Transpose", ["table"], ["turned"], perm=[1, 0]))
    made.graph.output.append(value("tied", None))
    done = work(tmp_path, made, rows)
    PASS.apply(done, {})
    assert divergence(*both(done)) < 0.05


def test_convolutions_and_recurrent_networks_are_never_offered_it(tmp_path: Path) -> None:
    convolutions, text = work(tmp_path, *images()).profile, work(tmp_path, *words()).profile
    assert PASS.propose(text, Ask())
    assert not PASS.propose(convolutions, Ask())
    assert not PASS.propose(replace(text, kind="recurrent"), Ask())
    with pytest.raises(NotApplicable, match="recurrent"):
        PASS.apply(replace(work(tmp_path, *words()), profile=replace(text, kind="recurrent")), {})


def test_weights_keep_to_seven_bits(tmp_path: Path) -> None:
    done = work(tmp_path, *words())
    PASS.apply(done, {})
    weights = {one.name: numpy_helper.to_array(one) for one in onnx.load(done.target).graph.initializer}
    assert np.abs(weights["w1/weights8"].astype(int)).max() == 64


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 20), st.integers(2, 20), st.integers(0, 1000), st.sampled_from([0.0, 1e-30, 1.0, 1e30]))
def test_a_row_of_a_table_is_off_by_half_a_step_at_most(rows: int, columns: int, seed: int, scale: float) -> None:
    table = normal(rows, columns, seed=seed) * np.float32(scale)
    whole, scales = by_rows(table)
    off = np.abs(whole * scales.astype(np.float64) - table)
    assert (off <= 0.5001 * scales).all()


def test_an_embedding_alone_changes_little(tmp_path: Path) -> None:
    done = work(tmp_path, *words())
    PASS.apply(done, {"spare": ["first", "second"]})
    assert close(*both(done), 0.02)


def test_a_name_that_is_taken_already_is_refused(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], "product"),
        helper.make_node("Mul", ["h", "w/scales8"], ["y"], "scaled"),
    ]
    made = model(
        nodes, [value("x", ["n", 64])], [value("y", ["n", 64])], {"w": normal(64, 64), "w/scales8": normal(64)}
    )
    with pytest.raises(NotApplicable, match="collide"):
        PASS.apply(work(tmp_path, made, Rows({"x": normal(8, 64)})), {})

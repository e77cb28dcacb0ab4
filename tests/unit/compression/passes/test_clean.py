from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from aimass.compression.contract import Ask, NotApplicable, Rows
from aimass.compression.model_file import close
from aimass.compression.passes.clean import PASS
from tests.unit.compression.quantizing import FLOAT, both, images, model, normal, operators, value, work


def test_batch_normalisation_goes_into_the_convolution(tmp_path: Path) -> None:
    done = work(tmp_path, *images())
    PASS.apply(done, {})
    assert "BatchNormalization" in operators(done.source)
    assert "BatchNormalization" not in operators(done.target)
    assert close(*both(done), 1e-4)


def test_what_nothing_reads_goes_and_every_node_has_a_name(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Identity", ["x"], ["i"]),
        helper.make_node("Dropout", ["i"], ["d"]),
        helper.make_node("MatMul", ["d", "w"], ["y"]),
        helper.make_node("MatMul", ["d", "dead"], ["z"]),
        helper.make_node("Relu", ["z"], ["zz"]),
    ]
    weights = {"w": normal(8, 4), "dead": normal(8, 900), "unused": normal(1000)}
    made = model(nodes, [value("x", ["n", 8])], [value("y", ["n", 4])], weights)
    done = work(tmp_path, made, Rows({"x": normal(5, 8)}))
    PASS.apply(done, {})
    after = onnx.load(done.target)
    assert operators(done.target) == ["MatMul"]
    assert [tensor.name for tensor in after.graph.initializer] == ["w"]
    assert all(node.name for node in after.graph.node)
    assert close(*both(done), 0)


def test_what_an_exporter_remarks_on_nodes_goes_and_what_the_model_says_of_itself_stays(tmp_path: Path) -> None:
    node = helper.make_node("MatMul", ["x", "w"], ["y"], doc_string="line 1")
    node.metadata_props.add(key="pkg.torch.onnx.stack_trace", value="File ..." * 100)
    made = model([node], [value("x", ["n", 8])], [value("y", ["n", 4])], {"w": normal(8, 4)})
    made.metadata_props.add(key="character", value="abc")
    done = work(tmp_path, made, Rows({"x": normal(5, 8)}))
    PASS.apply(done, {})
    after = onnx.load(done.target)
    assert not after.graph.node[0].metadata_props
    assert not after.graph.node[0].doc_string
    assert {one.key: one.value for one in after.metadata_props}["character"] == "abc"
    assert done.target.stat().st_size < done.source.stat().st_size - 700


def test_what_only_a_subgraph_reads_stays(tmp_path: Path) -> None:
    then = helper.make_graph([helper.make_node("Add", ["d", "w"], ["t"])], "then", [], [value("t", None)])
    other = helper.make_graph([helper.make_node("Identity", ["d"], ["o"])], "else", [], [value("o", None)])
    nodes = [
        helper.make_node("Identity", ["x"], ["d"]),
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
        helper.make_node("Greater", ["sum", "zero"], ["positive"]),
        helper.make_node("If", ["positive"], ["y"], then_branch=then, else_branch=other),
    ]
    weights = {"w": normal(1, 4), "zero": np.array(0, np.float32)}
    done = work(
        tmp_path,
        model(nodes, [value("x", ["n", 4])], [value("y", None)], weights),
        Rows({"x": np.array([[1, 1, 1, 1], [-1, -1, -1, -1]], np.float32)}, batch=1),
    )
    PASS.apply(done, {})
    assert close(*both(done), 0)


def test_an_old_opset_with_weights_among_the_inputs_is_raised(tmp_path: Path) -> None:
    made = model(
        [helper.make_node("Dropout", ["x"], ["d"]), helper.make_node("Gemm", ["d", "w", "b"], ["y"])],
        [value("x", ["n", 64]), value("w", [64, 64]), value("b", [64])],
        [value("y", ["n", 64])],
        {"w": normal(64, 64), "b": normal(64, seed=1)},
        opset=9,
    )
    made.ir_version = 3
    done = work(tmp_path, made, Rows({"x": normal(5, 64)}))
    PASS.apply(done, {})
    after = onnx.load(done.target)
    assert [one.name for one in after.graph.input] == ["x"]
    assert {entry.version for entry in after.opset_import if entry.domain == ""} == {13}
    assert close(*both(done), 1e-5)


def test_large_weights_that_are_equal_are_kept_once(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("MatMul", ["h", "same"], ["y"])]
    weights = {"w": normal(160, 160), "same": normal(160, 160)}
    made = model(nodes, [value("x", ["n", 160])], [value("y", ["n", 160])], weights)
    done = work(tmp_path, made, Rows({"x": normal(3, 160)}))
    PASS.apply(done, {})
    assert done.target.stat().st_size < 0.6 * done.source.stat().st_size
    assert close(*both(done), 1e-5)


def test_weights_stored_small_are_not_unpacked(tmp_path: Path) -> None:
    nodes = [helper.make_node("Cast", ["half"], ["w"], to=FLOAT), helper.make_node("MatMul", ["x", "w"], ["y"])]
    weights = {"half": normal(200, 200).astype(np.float16)}
    made = model(nodes, [value("x", ["n", 200])], [value("y", ["n", 200])], weights)
    done = work(tmp_path, made, Rows({"x": normal(3, 200)}))
    PASS.apply(done, {})
    assert done.target.stat().st_size < 1.1 * done.source.stat().st_size


def test_a_model_of_chance_is_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("RandomUniformLike", ["x"], ["r"]), helper.make_node("Add", ["x", "r"], ["y"])]
    done = work(tmp_path, model(nodes, [value("x", ["n", 4])], [value("y", ["n", 4])], {}), Rows({"x": normal(4, 4)}))
    with pytest.raises(NotApplicable, match="answers"):
        PASS.apply(done, {})


def test_without_rows_it_is_proven_on_made_up_ones(tmp_path: Path) -> None:
    done = work(tmp_path, images()[0])
    assert "folded" in PASS.apply(done, {}).notes[0]


def test_it_is_proposed_for_all_and_gives_the_same_bytes_again(tmp_path: Path) -> None:
    done = work(tmp_path, *images())
    (options,) = PASS.propose(done.profile, Ask())
    PASS.apply(done, options)
    first = done.target.read_bytes()
    PASS.apply(done, options)
    assert done.target.read_bytes() == first

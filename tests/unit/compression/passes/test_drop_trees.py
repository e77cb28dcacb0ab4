from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from aimass.compression.contract import Ask, NotApplicable, Rows
from aimass.compression.model_file import answers_of
from aimass.compression.passes._ensemble import read
from aimass.compression.passes.drop_trees import PASS, tree_scores
from tests.unit.compression.quantizing import both, classifier_of_trees, work


def trees_in(path: Path) -> int:
    attributes = {one.name: helper.get_attribute_value(one) for one in onnx.load(path).graph.node[0].attribute}
    return len(set(attributes["nodes_treeids"]))


def test_half_the_trees_go_and_shares_still_make_one(tmp_path: Path) -> None:
    done = work(tmp_path, *classifier_of_trees(40))
    PASS.apply(done, {"percent": 50})
    assert trees_in(done.target) <= 20
    before, after = both(done)
    scores = np.concatenate([call[1] for call in after])
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)
    assert np.abs(scores - np.concatenate([call[1] for call in before])).mean() < 0.05


def test_trees_that_are_there_twice_are_dropped_without_loss(tmp_path: Path) -> None:
    made, rows = classifier_of_trees(8)
    node = made.graph.node[0]
    for one in node.attribute:
        if one.ints and one.name.startswith(("nodes_", "class_")):
            again = [tree + 8 for tree in one.ints] if one.name.endswith("treeids") else list(one.ints)
            one.ints.extend(again)
        elif one.name in ("class_weights", "nodes_values", "nodes_hitrates"):
            one.floats.extend(list(one.floats))
        elif one.name == "nodes_modes":
            one.strings.extend(list(one.strings))
    done = work(tmp_path, made, rows)
    PASS.apply(done, {"percent": 50})
    before, after = both(done)
    assert trees_in(done.target) <= 8
    assert np.allclose(np.concatenate([one[1] for one in before]), np.concatenate([one[1] for one in after]), atol=0.02)


def test_a_tree_scores_what_the_runtime_says_with_missing_values_too(tmp_path: Path) -> None:
    made, rows = classifier_of_trees(1, depth=4)
    values = np.array(rows.inputs["x"])
    values[::5, 2] = np.nan
    done = work(tmp_path, made, Rows({"x": values}, 64))
    ensemble = read(onnx.load(done.source).graph.node[0])
    expected = np.concatenate([call[1] for call in answers_of(done.source, done.rows)])
    assert np.array_equal(tree_scores(ensemble, 0, values).astype(np.float32), expected)


def test_it_takes_real_rows_enough_and_trees_enough(tmp_path: Path) -> None:
    made, rows = classifier_of_trees(20)
    done = work(tmp_path, made, rows)
    assert len(PASS.propose(done.profile, Ask(rows=500))) == 2
    assert not PASS.propose(done.profile, Ask(rows=100))
    assert not PASS.propose(done.profile, Ask(rows=500, made_up=True))
    with pytest.raises(NotApplicable):
        PASS.apply(replace(done, rows=Rows({"x": rows.inputs["x"][:50]}, 64)), {"percent": 50})
    with pytest.raises(NotApplicable):
        PASS.apply(work(tmp_path, *classifier_of_trees(3)), {"percent": 50})


def test_the_same_gives_the_same_bytes(tmp_path: Path) -> None:
    done = work(tmp_path, *classifier_of_trees(20))
    PASS.apply(done, {"percent": 75})
    first = done.target.read_bytes()
    PASS.apply(done, {"percent": 75})
    assert done.target.read_bytes() == first

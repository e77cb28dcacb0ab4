from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import helper

from aimass.compression.contract import Ask, NotApplicable
from aimass.compression.model_file import close
from aimass.compression.passes.trees import PASS
from tests.unit.compression.quantizing import both, classifier_of_trees, images, work


def attributes(path: Path) -> dict[str, object]:
    return {one.name: helper.get_attribute_value(one) for one in onnx.load(path).graph.node[0].attribute}


def change(made: object, name: str, values: list[object]) -> None:
    node = made.graph.node[0]  # type: ignore[attr-defined]
    others = [one for one in node.attribute if one.name != name]
    del node.attribute[:]
    node.attribute.extend([*others, helper.make_attribute(name, values)])


def test_zero_weights_and_what_only_training_knew_go_and_answers_stay_bit_by_bit(tmp_path: Path) -> None:
    done = work(tmp_path, *classifier_of_trees(20))
    PASS.apply(done, {})
    after = attributes(done.target)
    assert "nodes_hitrates" not in after
    assert "nodes_missing_value_tracks_true" not in after
    assert len(after["class_weights"]) < 0.4 * len(attributes(done.source)["class_weights"])
    assert close(*both(done), 0)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 12), st.integers(2, 4), st.integers(0, 5), st.integers(0, 10_000))
def test_any_forest_answers_the_same_bit_by_bit(tmp_path: Path, trees: int, labels: int, depth: int, seed: int) -> None:
    made, rows = classifier_of_trees(trees, labels=labels, depth=depth, seed=seed)
    values = np.array(rows.inputs["x"])
    values[::7, 1] = np.nan
    done = work(tmp_path, made, type(rows)({"x": values}, 64))
    try:
        PASS.apply(done, {})
    except NotApplicable as error:
        pytest.fail(str(error))
    assert close(*both(done), 0)


def test_a_split_whose_sides_answer_alike_becomes_a_leaf(tmp_path: Path) -> None:
    made, rows = classifier_of_trees(1, depth=1)
    change(made, "class_weights", [0.5, 0.25, 0.0, 0.5, 0.25, 0.0])
    done = work(tmp_path, made, rows)
    PASS.apply(done, {})
    assert attributes(done.target)["nodes_modes"] == [b"LEAF"]
    assert close(*both(done), 0)


def test_a_branch_that_no_value_reaches_goes(tmp_path: Path) -> None:
    made, rows = classifier_of_trees(1, depth=2)
    change(made, "nodes_featureids", [0] * 7)
    # Below "at most 1", "at most 2" is always so; above 1, "at most 0" never.
    change(made, "nodes_values", [1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    change(made, "class_weights", [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.5, 0.5, 0.0])
    done = work(tmp_path, made, rows)
    PASS.apply(done, {})
    assert attributes(done.target)["nodes_modes"] == [b"BRANCH_LEQ", b"LEAF", b"LEAF"]
    assert close(*both(done), 0)


def test_a_threshold_without_end_still_parts_infinity_and_what_is_missing_from_the_rest(tmp_path: Path) -> None:
    made, rows = classifier_of_trees(1, depth=1)
    change(made, "nodes_featureids", [0] * 3)
    change(made, "class_weights", [1.0, 0.0, 0.0, 0.0, 1.0, 0.0])
    values = np.array(rows.inputs["x"])
    values[::3, 0], values[1::3, 0] = -np.inf, np.nan
    for threshold in (np.inf, -np.inf):
        change(made, "nodes_values", [threshold, 0.0, 0.0])
        done = work(tmp_path, made, type(rows)({"x": values}, 64))
        PASS.apply(done, {})
        assert len(attributes(done.target)["nodes_modes"]) == 3
        assert close(*both(done), 0)


def test_where_missing_values_go_is_kept_if_it_says_something(tmp_path: Path) -> None:
    made, rows = classifier_of_trees(4)
    tracks = [1, *[0] * (len(attributes_of(made)["nodes_modes"]) - 1)]
    change(made, "nodes_missing_value_tracks_true", tracks)
    values = np.array(rows.inputs["x"])
    values[::3] = np.nan
    done = work(tmp_path, made, type(rows)({"x": values}, 64))
    PASS.apply(done, {})
    assert "nodes_missing_value_tracks_true" in attributes(done.target)
    assert close(*both(done), 0)


def attributes_of(made: object) -> dict[str, list[object]]:
    return {one.name: helper.get_attribute_value(one) for one in made.graph.node[0].attribute}  # type: ignore[attr-defined]


def test_zeros_stay_where_another_weight_is_negative(tmp_path: Path) -> None:
    made, rows = classifier_of_trees(3)
    weights = [-0.5 if weight else 0.0 for weight in attributes_of(made)["class_weights"]]
    change(made, "class_weights", weights)
    done = work(tmp_path, made, rows)
    PASS.apply(done, {})
    assert 0.0 in attributes(done.target)["class_weights"]
    assert close(*both(done), 0)


@pytest.mark.parametrize(("name", "to"), [("nodes_truenodeids", 0), ("nodes_truenodeids", 999)])
def test_trees_that_are_none_are_refused(tmp_path: Path, name: str, to: int) -> None:
    made, rows = classifier_of_trees(2)
    change(made, name, [to, *attributes_of(made)[name][1:]])
    with pytest.raises(NotApplicable):
        PASS.apply(work(tmp_path, made, rows), {})


def test_trees_with_nothing_to_leave_out_are_left_alone(tmp_path: Path) -> None:
    done = work(tmp_path, *classifier_of_trees(10))
    PASS.apply(done, {})
    again = work(tmp_path, onnx.load(done.target), done.rows)
    with pytest.raises(NotApplicable, match="nothing"):
        PASS.apply(again, {})


def test_only_trees_are_offered_it(tmp_path: Path) -> None:
    assert PASS.propose(work(tmp_path, *classifier_of_trees(2)).profile, Ask())
    assert not PASS.propose(work(tmp_path, *images()).profile, Ask())

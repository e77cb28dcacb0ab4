"""Trees written as ONNX take the branches that their library takes, for every float."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.formats.converters._ensemble import Ensemble, below
from aimass.formats.converters._ensemble_graph import INPUT, Meaning, Transform, model

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e30, max_value=1e30)


def answers(ensemble: Ensemble, meaning: Meaning, rows: Any) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model(ensemble, meaning).SerializeToString())
    return session.run(None, {INPUT: np.asarray(rows, np.float32)})


def stump(mode: str, threshold: float, *, missing_yes: bool = False, **options: Any) -> Ensemble:
    """One split: 1 where it is met, else 2."""
    ensemble = Ensemble(1, **options)
    ensemble.split(0, 0, 0, mode, threshold, 1, 2, missing_yes=missing_yes)
    ensemble.leaf(0, 1, 0, 1.0)
    ensemble.leaf(0, 2, 0, 2.0)
    return ensemble


@given(NUMBERS)
def test_a_threshold_is_rounded_to_a_float_that_splits_floats_alike(threshold: float) -> None:
    rounded = np.float32(below(threshold))
    assert float(rounded) <= threshold < float(np.nextafter(rounded, np.float32(np.inf)))


@pytest.mark.parametrize("threshold", [0.1, -0.1, 1 / 3, 16777217.0, 1e-40, 0.5])
def test_values_beside_a_threshold_take_their_own_branch(threshold: float) -> None:
    near = np.float32(threshold)
    rows = [[np.nextafter(near, np.float32(-np.inf))], [near], [np.nextafter(near, np.float32(np.inf))]]
    wanted = [1.0 if float(row[0]) <= threshold else 2.0 for row in rows]
    assert answers(stump("BRANCH_LEQ", threshold), Meaning("none"), rows)[0].ravel().tolist() == wanted


@pytest.mark.parametrize("missing_yes", [False, True])
@pytest.mark.parametrize("mode", ["BRANCH_LEQ", "BRANCH_LT"])
def test_missing_values_go_where_the_tree_says(mode: str, missing_yes: bool) -> None:
    ensemble = stump(mode, 0.5, missing_yes=missing_yes)
    assert answers(ensemble, Meaning("none"), [[math.nan]])[0].item() == (1.0 if missing_yes else 2.0)


def test_with_exact_the_thresholds_are_doubles() -> None:
    from onnx import numpy_helper

    attributes = stump("BRANCH_LEQ", 1 / 3, exact=True).attributes()
    assert numpy_helper.to_array(attributes["nodes_values_as_tensor"])[0] == 1 / 3
    assert "nodes_values" not in attributes


@pytest.mark.parametrize(
    ("cut", "row", "met"),
    [
        ("down", 3.9, True),
        ("down", -0.5, False),
        ("toward zero", -0.5, True),
        ("down", 2.0, False),
        ("down", 7.0, True),
    ],
)
def test_a_category_is_cut_to_a_whole_number_as_its_library_does(cut: Any, row: float, met: bool) -> None:
    ensemble = Ensemble(1, cut=cut)
    ensemble.among(0, [0, 3, 4], 0, [0, 3, 7], 1, 2, missing=False)
    ensemble.leaf(0, 1, 0, 1.0)
    ensemble.leaf(0, 2, 0, 2.0)
    assert answers(ensemble, Meaning("none"), [[row]])[0].item() == (1.0 if met else 2.0)
    assert answers(ensemble, Meaning("none"), [[math.nan]])[0].item() == 2.0


@pytest.mark.parametrize(
    ("transform", "wanted"),
    [
        ("none", lambda sums: sums),
        ("sigmoid", lambda sums: 1 / (1 + np.exp(-sums))),
        ("exp", np.exp),
        ("softplus", lambda sums: np.log1p(np.exp(sums))),
        ("square", lambda sums: sums * np.abs(sums)),
        ("step", lambda sums: (sums > 0).astype(float)),
    ],
)
def test_sums_are_scaled_and_transformed(transform: Transform, wanted: Any) -> None:
    ensemble = stump("BRANCH_LT", 0.0, base=[-1.5])
    got = answers(ensemble, Meaning(transform, factor=2.0), [[-1.0], [1.0]])[0]
    assert got.ravel() == pytest.approx(wanted(2.0 * np.array([-0.5, 0.5])), rel=1e-6)


def test_one_sum_becomes_two_classes_and_names_are_looked_up() -> None:
    ensemble = stump("BRANCH_LT", 0.0, base=[-1.5])
    label, scores = answers(ensemble, Meaning("sigmoid", classes=True, labels=["no", "yes"]), [[-1.0], [1.0]])
    assert label.tolist() == ["no", "yes"]
    assert scores.sum(1) == pytest.approx([1.0, 1.0])


def test_several_sums_become_as_many_classes() -> None:
    ensemble = Ensemble(1, targets=3)
    ensemble.split(0, 0, 0, "BRANCH_LT", 0.0, 1, 2, missing_yes=True)
    for node, values in ((1, (3.0, 1.0, 0.0)), (2, (0.0, 1.0, 4.0))):
        for target, value in enumerate(values):
            ensemble.leaf(0, node, target, value)
    label, scores = answers(ensemble, Meaning("softmax", classes=True), [[-1.0], [1.0]])
    assert label.tolist() == [0, 2]
    assert scores.shape == (2, 3)


def test_what_a_replay_goes_through_is_thresholds_and_none() -> None:
    ensemble = stump("BRANCH_LT", 2.0)
    assert ensemble.near[0][0] == 2.0
    assert math.isnan(ensemble.near[0][-1])
    low, high = ensemble.span
    assert low < 2.0 < high

"""Ensembles as scikit-learn's forests are imported: thresholds and weights are doubles, in tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import helper

from aimass.compression.contract import Rows
from aimass.compression.passes import drop_trees, trees
from aimass.compression.passes._ensemble import read
from aimass.formats.converters._ensemble import Ensemble
from aimass.formats.converters._ensemble_graph import Meaning, model
from tests.unit.compression.quantizing import both, operators, value, work

WHOLE, THIRDS = (0.0, 1.0, 0.5), (0.0, 1 / 3, 2 / 3)
MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT")


def forest(
    count: int, seed: int, *, shares: Any = WHOLE, mode: str = "BRANCH_LEQ", cast: bool = True, depth: int = 3
) -> tuple[Any, Rows]:
    """Full trees over 4 features, each leaf with a share for each of 3 classes; rows at and beside each threshold."""
    random = np.random.default_rng(seed)
    ensemble = Ensemble(4, 3, exact=True)
    inner = 2**depth - 1
    for tree in range(count):
        for node in range(2 * inner + 1):
            if node < inner:
                exact = float(random.choice([random.normal(), np.float32(random.normal()), 0.1, 0.0, 1e300, -1e300]))
                feature, missing = int(random.integers(4)), bool(random.integers(2))
                ensemble.split(tree, node, feature, mode, exact, 2 * node + 1, 2 * node + 2, missing_yes=missing)
            else:
                for target, share in enumerate(random.permutation(shares)):
                    ensemble.leaf(tree, node, target, float(share))
    made = model(ensemble, Meaning("none", classes=True, factor=1 / count))
    if cast:
        (node,) = (one for one in made.graph.node if one.op_type == "TreeEnsembleRegressor")
        made.graph.node.insert(0, helper.make_node("Cast", ["input"], ["doubles"], to=11))
        made.graph.node[1].input[0] = "doubles"
    else:
        made.graph.input[0].CopyFrom(value("input", ["N", 4], onnx.TensorProto.DOUBLE))
    return made, Rows({"input": _rows(ensemble, random, np.float32 if cast else np.float64)}, batch=64)


def _rows(ensemble: Ensemble, random: Any, kind: Any) -> Any:
    with np.errstate(over="ignore"):
        at = np.array([one for values in ensemble.near.values() for one in values], np.float64).astype(kind)
        beside = [np.nextafter(at, kind(np.inf)), np.nextafter(at, kind(-np.inf)), [np.inf, -np.inf, np.nan]]
    known = np.concatenate([at, *beside, random.normal(size=len(at))]).astype(kind)
    return random.choice(known, (512, 4))


def ensemble_in(path: Path) -> Any:
    return next(node for node in onnx.load(path).graph.node if node.op_type == "TreeEnsembleRegressor")


def same_bits(done: Any) -> bool:
    before, after = both(done)
    return [[one.tobytes() for one in call] for call in before] == [[one.tobytes() for one in call] for call in after]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 12), st.integers(0, 10_000), st.sampled_from([WHOLE, THIRDS]), st.sampled_from(MODES))
def test_any_forest_answers_the_same_bit_by_bit(tmp_path: Path, count: int, seed: int, shares: Any, mode: str) -> None:
    done = work(tmp_path, *forest(count, seed, shares=shares, mode=mode))
    trees.PASS.apply(done, {})
    assert same_bits(done)


def test_floats_do_where_all_sums_are_floats(tmp_path: Path) -> None:
    done = work(tmp_path, *forest(20, 1))
    notes = trees.PASS.apply(done, {}).notes
    assert "Cast" not in operators(done.target)
    assert not [one.name for one in ensemble_in(done.target).attribute if one.name.endswith("_as_tensor")]
    assert "in floats" in notes[0]
    assert same_bits(done)


@pytest.mark.parametrize("given", [{"shares": THIRDS}, {"shares": (0.0, 1.0, 2.0**24)}, {"cast": False}])
def test_doubles_stay_in_their_tensors_where_floats_might_differ(tmp_path: Path, given: Any) -> None:
    done = work(tmp_path, *forest(20, 2, **given))
    trees.PASS.apply(done, {})
    made = read(ensemble_in(done.target))
    assert made.nodes["values"].dtype == np.float64
    written = {one.name for one in made.node.attribute}
    assert {"nodes_values_as_tensor", "target_weights_as_tensor"} <= written
    assert not {"nodes_values", "target_weights"} & written
    assert same_bits(done)


def test_a_category_that_is_no_float_keeps_its_doubles(tmp_path: Path) -> None:
    done = work(tmp_path, *forest(4, 3, mode="BRANCH_EQ"))
    trees.PASS.apply(done, {})
    assert "Cast" in operators(done.target)
    assert same_bits(done)


def test_leaves_that_differ_in_doubles_alone_are_not_one(tmp_path: Path) -> None:
    ensemble = Ensemble(1, exact=True)
    ensemble.split(0, 0, 0, "BRANCH_LEQ", 0.5, 1, 2, missing_yes=False)
    ensemble.split(0, 1, 0, "BRANCH_LEQ", 0.25, 3, 4, missing_yes=False)
    for node, weight in ((2, 1.0), (3, 1 / 3), (4, np.nextafter(1 / 3, 1))):
        ensemble.leaf(0, node, 0, float(weight))
    ensemble.base = [1e-9]
    made = model(ensemble, Meaning("none"))
    made.graph.node.insert(0, helper.make_node("Cast", ["input"], ["doubles"], to=11))
    made.graph.node[1].input[0] = "doubles"
    done = work(tmp_path, made, Rows({"input": np.linspace(0, 1, 64, dtype=np.float32).reshape(-1, 1)}))
    trees.PASS.apply(done, {})
    kept = read(ensemble_in(done.target))
    assert len(kept.index) == 5
    assert kept.attribute("base_values") == [1e-9]
    assert same_bits(done)


@pytest.mark.parametrize("shares", [WHOLE, THIRDS])
def test_fewer_trees_of_shares_still_make_one(tmp_path: Path, shares: Any) -> None:
    made, rows = forest(40, 4, shares=shares)
    done = work(tmp_path, made, rows)
    drop_trees.PASS.apply(done, {"percent": 50})
    before, after = both(done)
    scores, were = (np.concatenate([call[1] for call in calls]) for calls in (after, before))
    assert len(read(ensemble_in(done.target)).roots()) <= 20
    assert np.allclose(scores.sum(axis=1), were.sum(axis=1), atol=1e-5)
    assert np.abs(scores - were).mean() < 0.05
    assert "Cast" not in operators(done.target)

"""XGBoost's trees, as its files have them (xgboost/doc/model.schema)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from aimass.formats.converters._ensemble import Ensemble
from aimass.formats.converters._refusal import cannot


def ensemble_of(learner: Mapping[str, Any], rounds: int) -> Ensemble:
    """The trees of the first rounds, 0 for all, without what is added to them.

    Raises ConversionFailed for linear models and vector leaves.
    """
    booster = learner["gradient_booster"]
    trees, groups, weights = _forest(booster)
    count = int(_model(booster)["iteration_indptr"][rounds]) if rounds else len(trees)
    ensemble = Ensemble(int(learner["learner_model_param"]["num_feature"]), targets_of(learner))
    for index in range(count):
        _add(ensemble, index, trees[index], groups[index], weights[index])
    return ensemble


def targets_of(learner: Mapping[str, Any]) -> int:
    """How many sums there are."""
    parameters = learner["learner_model_param"]
    return max(int(parameters["num_class"]), int(parameters.get("num_target", 1)), 1)


def categories_of(learner: Mapping[str, Any], names: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """By column, what its categories were called, in the order of the numbers that the trees have for them.

    Nothing of a column with letters beyond ASCII: XGBoost 3 counts letters and cuts bytes, so the names run into
    each other.
    """
    found: dict[str, Sequence[str]] = {}
    encoded = (_model(learner["gradient_booster"]).get("cats") or {}).get("enc", [])
    for name, one in zip(names, encoded, strict=False):
        values, offsets = one.get("values", []), one.get("offsets")
        if offsets is not None:  # texts, one after the other
            text = bytes(value % 256 for value in values)
            pairs = itertools.pairwise(offsets if text.isascii() else ())
            found[name] = [text[start:end].decode() for start, end in pairs]
        else:
            found[name] = [str(value) for value in values]
    return {name: values for name, values in found.items() if values}


def _model(booster: Mapping[str, Any]) -> Mapping[str, Any]:
    """That of DART lies one deeper; that of a linear booster has no trees."""
    model: Mapping[str, Any] = booster.get("gbtree", booster)["model"]
    return model


def _forest(booster: Mapping[str, Any]) -> tuple[Sequence[Any], Sequence[int], Sequence[float]]:
    if booster["name"] == "gblinear":
        raise cannot("the linear booster gblinear", "train it with booster='gbtree', or a linear model of scikit-learn")
    forest = _model(booster)
    weights = booster["weight_drop"] if booster["name"] == "dart" else [1.0] * len(forest["trees"])
    return forest["trees"], forest["tree_info"], weights


def _add(ensemble: Ensemble, index: int, tree: Mapping[str, Any], target: int, weight: float) -> None:
    if int(tree["tree_param"].get("size_leaf_vector", 1)) > 1:
        remedy = "train it with multi_strategy='one_output_per_tree'"
        raise cannot("trees with a vector in each leaf (multi_strategy=multi_output_tree)", remedy)
    left, right, features = tree["left_children"], tree["right_children"], tree["split_indices"]
    categories = _categories(tree)
    extra = len(left)
    for node, yes in enumerate(left):
        if yes == -1:
            ensemble.leaf(index, node, target, tree["split_conditions"][node] * weight)
            continue
        missing_left = bool(tree["default_left"][node])
        if node not in categories:
            value = tree["split_conditions"][node]
            ensemble.split(index, node, features[node], "BRANCH_LT", value, yes, right[node], missing_yes=missing_left)
            continue
        chain = [node, *range(extra, extra + len(categories[node]) - 1)]
        extra += len(chain) - 1
        # A category that a split names goes right.
        ensemble.among(index, chain, features[node], categories[node], right[node], yes, missing=not missing_left)


def _categories(tree: Mapping[str, Any]) -> Mapping[int, Sequence[int]]:
    nodes, starts, sizes = (tree.get(f"categories_{name}", []) for name in ("nodes", "segments", "sizes"))
    values = tree.get("categories", [])
    return {node: values[start : start + size] for node, start, size in zip(nodes, starts, sizes, strict=True)}

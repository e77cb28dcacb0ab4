"""LightGBM's trees, as its dump has them (LightGBM/include/LightGBM/tree.h has how a node decides)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from aimass.domain.errors import ConversionFailed
from aimass.formats.converters._ensemble import Ensemble
from aimass.formats.converters._refusal import cannot

# A value no larger counts as zero, in a row as in a split (kZeroThreshold).
_ZERO = float(np.float32(1e-35))
_REMEDY = "train it without"


def ensemble_of(dump: Mapping[str, Any]) -> Ensemble:
    """The trees. Raises ConversionFailed for linear ones, and for zeros as missing values."""
    targets = int(dump["num_tree_per_iteration"])
    ensemble = Ensemble(int(dump["max_feature_idx"]) + 1, targets, cut="toward zero")
    rounds = len(dump["tree_info"]) // targets
    weight = 1.0 / rounds if dump.get("average_output") else 1.0
    for index, tree in enumerate(dump["tree_info"]):
        if tree.get("is_linear"):
            raise linear()
        _add(ensemble, index, tree["tree_structure"], index % targets, weight)
    return ensemble


def categories_of(dump: Mapping[str, Any], listed: Sequence[int]) -> Mapping[str, Sequence[str]]:
    """By column, what its categories were called in the data frame, in the order of the numbers that the trees have.

    `listed` are the columns that the file's parameters say are categories. The file has the names without their
    columns: where they may be others' they are none.
    """
    names, categories = dump["feature_names"], dump.get("pandas_categorical") or []
    if len(listed) != len(categories) or not all(0 <= index < len(names) for index in listed):
        return {}
    found = {names[index]: [str(value) for value in one] for index, one in zip(sorted(listed), categories, strict=True)}
    fit = all(_highest(dump, name) < len(values) for name, values in found.items())
    return found if fit else {}


def linear() -> ConversionFailed:
    return cannot("linear trees (linear_tree)", _REMEDY)


def _highest(dump: Mapping[str, Any], name: str) -> int:
    """The highest number of a category that was seen in training."""
    return max(map(int, dump.get("feature_infos", {}).get(name, {}).get("values", [])), default=-1)


def _add(ensemble: Ensemble, index: int, root: Mapping[str, Any], target: int, weight: float) -> None:
    numbers = itertools.count()
    below = [(root, next(numbers))]
    while below:
        node, number = below.pop()
        if "split_feature" not in node:
            if "leaf_const" in node:
                raise linear()
            ensemble.leaf(index, number, target, node["leaf_value"] * weight)
            continue
        yes, no = next(numbers), next(numbers)
        below += [(node["left_child"], yes), (node["right_child"], no)]
        if node["decision_type"] == "==":
            values = [int(value) for value in str(node["threshold"]).split("||")]
            chain = [number, *(next(numbers) for _ in values[1:])]
            ensemble.among(index, chain, node["split_feature"], values, yes, no, missing=False)
            continue
        threshold = _around_zero(float(node["threshold"]))
        ensemble.split(
            index, number, node["split_feature"], "BRANCH_LEQ", threshold, yes, no,
            missing_yes=_missing_left(node, threshold),
        )  # fmt: skip


def _missing_left(node: Mapping[str, Any], threshold: float) -> bool:
    """Where NaN goes: its default, or where 0 goes in a feature that had none missing when the model was trained."""
    zero_left = threshold >= 0.0
    if node["missing_type"] == "NaN":
        return bool(node["default_left"])
    if node["missing_type"] == "Zero" and bool(node["default_left"]) != zero_left:
        raise cannot("zeros as missing values (zero_as_missing)", _REMEDY)
    return zero_left


def _around_zero(threshold: float) -> float:
    """A threshold so that what counts as zero takes the way of zero."""
    if abs(threshold) > _ZERO:
        return threshold
    return _ZERO if threshold >= 0 else float(np.nextafter(np.float32(-_ZERO), np.float32(-1)))

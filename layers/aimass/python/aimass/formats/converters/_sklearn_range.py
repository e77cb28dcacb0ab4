"""Where a scikit-learn model decides: values of its columns that a replay ought to go through."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from aimass.formats.converters._sklearn_scalers import Step, of_column, operations
from aimass.formats.converters._sklearn_thresholds import deciding

Array = np.ndarray[Any, Any]
_MOST_NEAR = 64
_FAR = 1e30  # beyond it lies what no number reaches


def steps(model: Any) -> Iterator[Any]:
    """The estimators of a pipeline, and those of pipelines in it, in their order."""
    for _, step in getattr(model, "steps", [("", model)]):
        if step is None or step == "passthrough":
            continue
        if hasattr(step, "steps"):
            yield from steps(step)
        else:
            yield step


def flat(value: Any) -> Iterator[Any]:
    """What is in lists, tuples and arrays; a pipeline and a forest are sequences too, and left whole."""
    if isinstance(value, np.ndarray):
        value = value.ravel().tolist()
    if not isinstance(value, list | tuple):
        yield value
        return
    for part in value:
        yield from flat(part)


def decides_at(model: Any, columns: int) -> tuple[float, float, Mapping[int, Sequence[float]]]:
    """A range for all numbers, and by column values that matter: split thresholds, or what was usual in training; and
    none, where the model takes missing values.
    """
    scale, shift = np.ones(columns), np.zeros(columns)
    before: list[Step] = []
    step: Any = None
    for step in steps(model):
        affine = _affine(step, columns)
        if affine is None:
            break
        scale, shift = scale * affine[0], shift + scale * affine[1]
        before += operations(step) if type(step).__name__.endswith("Scaler") else ()
    usual = np.arange(-2.0, 2.1, 0.5)[:, None] * np.ones(columns)
    if type(step).__name__ == "PowerTransformer":
        usual = np.nan_to_num(step.inverse_transform(usual))
    usual = usual * scale + shift
    near = {column: [float(value) for value in usual[:, column]] for column in range(columns)}
    histogram = hasattr(step, "_predictors")
    for column, values in _thresholds(step).items():
        chosen = sorted(values)[:: max(1, len(values) // _MOST_NEAR)]
        if before or histogram:
            plain = of_column(before, column)
            chosen = deciding(np.array(chosen), plain, single=not histogram, kept=histogram).tolist()
        near[column] = [value for value in chosen if abs(value) < _FAR] or near[column]
    known = [values for values in near.values() if values]
    low, high = min(map(min, known), default=-3.0), max(map(max, known), default=3.0)
    if takes_nan(steps(model)):
        near = {column: [*values, math.nan] for column, values in near.items()}
    return low, high, near


def takes_nan(following: Iterable[Any]) -> bool:
    """Whether steps, one after the other, take a missing value: an imputer lets none through to those behind it."""
    from sklearn.utils import get_tags

    for step in following:
        kind = type(step).__name__
        if kind == "IsolationForest":
            return False  # its ONNX model scores them otherwise, which a note says
        if not get_tags(step).input_tags.allow_nan:
            return False
        if kind.endswith("Imputer"):
            return True
    return True


def _affine(step: Any, columns: int) -> tuple[Array, Array] | None:
    """What turns a scaler's output back: multiplied, then added. None for any other step."""
    kind = type(step).__name__
    if kind == "StandardScaler":
        return _or(step.scale_, columns, 1.0), _or(step.mean_, columns, 0.0)
    if kind == "RobustScaler":
        return _or(step.scale_, columns, 1.0), _or(step.center_, columns, 0.0)
    if kind == "MinMaxScaler":
        return step.data_range_, step.data_min_
    if kind == "MaxAbsScaler":
        return step.scale_, np.zeros(columns)
    if kind in ("SimpleImputer", "KNNImputer"):
        return np.ones(columns), np.zeros(columns)
    return None


def _or(values: Any, columns: int, otherwise: float) -> Array:
    return np.full(columns, otherwise) if values is None else np.asarray(values, float)


def _thresholds(model: Any) -> Mapping[int, set[float]]:
    """Of the trees of a forest or of boosting, or values of training data that the model keeps."""
    found: dict[int, set[float]] = {}
    for tree in _trees(model):
        for feature, threshold in zip(tree.feature, tree.threshold, strict=True):
            if feature >= 0 and math.isfinite(threshold):
                found.setdefault(int(feature), set()).add(float(threshold))
    return found or _kept(model)


def _kept(model: Any) -> Mapping[int, set[float]]:
    """By column, some of the training's rows, or centres of them, and where a centre's rows usually lie."""
    for name in ("support_vectors_", "_fit_X", "cluster_centers_", "theta_", "means_"):
        rows = getattr(model, name, None)
        if isinstance(rows, np.ndarray) and rows.ndim == 2:
            spread = np.sqrt(model.var_) if name == "theta_" else np.zeros_like(rows)
            usual = np.concatenate([rows, rows - spread, rows + spread])[:_MOST_NEAR]
            return {column: set(usual[:, column].tolist()) for column in range(rows.shape[1])}
    parts = flat(getattr(model, "estimators_", ()))
    return next(filter(None, (_kept(part) for part in parts if not hasattr(part, "steps"))), {})


def _trees(model: Any) -> Iterator[Any]:
    if hasattr(model, "tree_"):
        yield model.tree_
    for one in flat(getattr(model, "estimators_", ())):
        if hasattr(one, "tree_"):
            yield one.tree_
    for group in getattr(model, "_predictors", ()):
        for predictor in group:
            yield _Histogram(predictor.nodes)


class _Histogram:
    """A tree of histogram gradient boosting, in the words of the others."""

    def __init__(self, nodes: Any) -> None:
        leaf = (nodes["is_leaf"] == 1) | (nodes["is_categorical"] == 1)
        self.feature = np.where(leaf, -1, nodes["feature_idx"].astype(np.int64))
        self.threshold = nodes["num_threshold"]

"""A LightGBM model opened by its library (LightGBM/include/LightGBM/tree.h has how a node decides)."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aimass.domain.errors import ConversionFailed
from aimass.formats.converter import Candidate, Converted, Wanted
from aimass.formats.converters._ensemble import Ensemble
from aimass.formats.converters._ensemble_graph import INPUT, Meaning, Transform, model

_TRANSFORMS: Mapping[str, Transform] = {
    "binary": "sigmoid",
    "multiclass": "softmax",
    "multiclassova": "sigmoid",
    "cross_entropy": "sigmoid",
    "cross_entropy_lambda": "softplus",
    "poisson": "exp",
    "gamma": "exp",
    "tweedie": "exp",
    "regression": "none",
    "regression_l1": "none",
    "huber": "none",
    "fair": "none",
    "quantile": "none",
    "mape": "none",
    "lambdarank": "none",
    "rank_xendcg": "none",
    "": "none",
}
_CLASSES = ("binary", "multiclass", "multiclassova")
# A value no larger counts as zero, in a row as in a split (kZeroThreshold).
_ZERO = float(np.float32(1e-35))
_REMEDY = "train it without this, or export it as ONNX where it was trained"


class LightGBMModel:
    """A booster. `run` answers what `Booster.predict` does, and the label that it means."""

    def __init__(self, booster: Any, labels: Sequence[Any] = ()) -> None:
        """`labels` are what classes are called, if not 0, 1, ..."""
        self._labels = labels
        self._booster = booster
        self._dump = booster.dump_model()
        self._objective, self._options = _objective(self._dump.get("objective", ""))

    @property
    def wanted(self) -> Sequence[Wanted]:
        low, high = self.ensemble.span
        return [Wanted(INPUT, "float32", (-1, self.ensemble.columns), low, high, self.ensemble.near)]

    def convert(self, folder: Path) -> Converted:
        """Raises ConversionFailed for linear trees, zeros as missing values and objectives that it doesn't know."""
        written = model(self.ensemble, self.meaning)
        (folder / "model.onnx").write_bytes(written.SerializeToString())
        columns = tuple(self._booster.feature_name())
        return Converted(
            "model.onnx",
            ("model.onnx",),
            "LightGBM",
            labels=tuple(map(str, self._labels)),
            columns=() if columns[0] == "Column_0" else columns,
            notes=tuple(self._notes()),
        )

    @property
    def meaning(self) -> Meaning:
        """What the sums of its trees mean."""
        if self._objective not in _TRANSFORMS:
            raise _cannot(f"its objective {self._objective}")
        transform: Transform = "square" if "sqrt" in self._options else _TRANSFORMS[self._objective]
        factor = float(self._options.get("sigmoid", 1.0))
        return Meaning(transform, self._objective in _CLASSES, factor, self._labels)

    def _notes(self) -> Iterator[str]:
        if not self._objective:
            yield "its objective is a function of its owner's: the sums of its trees are answered"
        if self.ensemble.categorical:
            shown = ", ".join(map(str, sorted(self.ensemble.categorical)[:20]))
            yield f"the columns {shown} are categories, sent as the whole numbers that LightGBM has for them"

    def run(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        scores = self._booster.predict(inputs[INPUT].astype(np.float64), num_threads=1)
        if self._objective not in _CLASSES:
            return {"variable": scores.reshape(len(scores), -1)}
        if scores.ndim == 1:
            scores = np.stack([1 - scores, scores], 1)
        best = scores.argmax(1)
        return {"label": np.asarray(self._labels)[best] if len(self._labels) else best, "probabilities": scores}

    @functools.cached_property
    def ensemble(self) -> Ensemble:
        """Its trees."""
        if any(tree.get("is_linear") for tree in self._dump["tree_info"]) or self._booster.params.get("linear_tree"):
            raise _cannot("linear trees (linear_tree)")
        targets = int(self._dump["num_tree_per_iteration"])
        ensemble = Ensemble(int(self._dump["max_feature_idx"]) + 1, targets, cut="toward zero")
        rounds = len(self._dump["tree_info"]) // targets
        weight = 1.0 / rounds if self._dump.get("average_output") else 1.0
        for index, tree in enumerate(self._dump["tree_info"]):
            self._add(ensemble, index, tree["tree_structure"], index % targets, weight)
        return ensemble

    @staticmethod
    def _add(ensemble: Ensemble, index: int, root: Mapping[str, Any], target: int, weight: float) -> None:
        numbers = itertools.count()
        below = [(root, next(numbers))]
        while below:
            node, number = below.pop()
            if "split_feature" not in node:
                if "leaf_const" in node:
                    raise _cannot("linear trees (linear_tree)")
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


def open_file(folder: Path, candidate: Candidate) -> LightGBMModel:
    """Opens what `save_model` wrote."""
    import lightgbm

    return LightGBMModel(lightgbm.Booster(model_file=str(folder / candidate.main)))


def _missing_left(node: Mapping[str, Any], threshold: float) -> bool:
    """Where NaN goes: its default, or where 0 goes in a feature that had none missing when the model was trained."""
    zero_left = threshold >= 0.0
    if node["missing_type"] == "NaN":
        return bool(node["default_left"])
    if node["missing_type"] == "Zero" and bool(node["default_left"]) != zero_left:
        raise _cannot("zeros as missing values (zero_as_missing)")
    return zero_left


def _around_zero(threshold: float) -> float:
    """A threshold so that what counts as zero takes the way of zero."""
    if abs(threshold) > _ZERO:
        return threshold
    return _ZERO if threshold >= 0 else float(np.nextafter(np.float32(-_ZERO), np.float32(-1)))


def _objective(text: str) -> tuple[str, Mapping[str, str]]:
    """The objective's name and its options, such as `binary sigmoid:1` and `regression sqrt`."""
    name, *options = text.split() or [""]
    return name, dict(option.partition(":")[::2] for option in options)


def _cannot(what: str) -> ConversionFailed:
    return ConversionFailed(f"{what} can't be written as ONNX here: {_REMEDY}", remedy=_REMEDY)

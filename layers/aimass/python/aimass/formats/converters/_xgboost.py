"""An XGBoost model opened by its library (xgboost/doc/tutorials/saving_model, doc/model.schema)."""

from __future__ import annotations

import functools
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aimass.domain.errors import ConversionFailed
from aimass.formats.converter import Candidate, Converted, Wanted
from aimass.formats.converters._ensemble import Ensemble
from aimass.formats.converters._ensemble_graph import INPUT, Meaning, Transform, model
from aimass.formats.member import shown

_TRANSFORMS: Mapping[str, Transform] = {
    "binary:logistic": "sigmoid",
    "reg:logistic": "sigmoid",
    "binary:hinge": "step",
    "multi:softprob": "softmax",
    "multi:softmax": "softmax",
    "count:poisson": "exp",
    "reg:gamma": "exp",
    "reg:tweedie": "exp",
    "survival:cox": "exp",
    "survival:aft": "exp",
    "binary:logitraw": "none",
    "reg:squarederror": "none",
    "reg:linear": "none",
    "reg:squaredlogerror": "none",
    "reg:pseudohubererror": "none",
    "reg:absoluteerror": "none",
    "reg:quantileerror": "none",
    "rank:pairwise": "none",
    "rank:ndcg": "none",
    "rank:map": "none",
}
_CLASSES = ("binary:logistic", "binary:hinge", "multi:softprob", "multi:softmax")
_WHERE = re.compile(r"\[\d\d:\d\d:\d\d\] \S+:\d+: ")
_REMEDY = "export it as ONNX where it was trained"


class XGBoostModel:
    """A booster. `run` answers what `Booster.predict` does, and the scores that stand behind it."""

    def __init__(self, booster: Any, rounds: int = 0, labels: Sequence[Any] = ()) -> None:
        """`rounds` is how many rounds of trees count, 0 for all; `labels` what classes are called, if not 0, 1, ..."""
        self._booster = booster
        self._rounds = rounds
        self._labels = labels
        self._learner = json.loads(booster.save_raw("json"))["learner"]
        self._objective = self._learner["objective"]["name"]
        self._columns = tuple(booster.feature_names or ())
        self._types = booster.feature_types

    @property
    def wanted(self) -> Sequence[Wanted]:
        low, high = self.ensemble.span
        return [Wanted(INPUT, "float32", (-1, self.ensemble.columns), low, high, self.ensemble.near)]

    def convert(self, folder: Path) -> Converted:
        """Raises ConversionFailed for linear models, vector leaves and objectives that it doesn't know."""
        written = model(self.ensemble, self.meaning)
        (folder / "model.onnx").write_bytes(written.SerializeToString())
        labels = tuple(map(str, self._labels))
        return Converted("model.onnx", ("model.onnx",), "XGBoost", labels, self._columns, self._notes())

    @property
    def meaning(self) -> Meaning:
        """What the sums of its trees mean."""
        if self._objective not in _TRANSFORMS:
            raise _cannot(f"its objective {self._objective}")
        return Meaning(_TRANSFORMS[self._objective], self._objective in _CLASSES, labels=self._labels)

    def run(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        scores = self._predict(inputs[INPUT], output_margin=self._objective == "multi:softmax")
        if self._objective not in _CLASSES:
            return {"variable": scores.reshape(len(scores), -1)}
        if self._objective == "multi:softmax":
            # The class alone is what it predicts; the scores are its margins as multi:softprob gives them.
            powers = np.exp(scores - scores.max(1, keepdims=True))
            scores = powers / powers.sum(1, keepdims=True)
        if scores.ndim == 1:
            scores = np.stack([1 - scores, scores], 1)
        best = scores.argmax(1)
        return {"label": np.asarray(self._labels)[best] if len(self._labels) else best, "probabilities": scores}

    def _predict(self, rows: np.ndarray, *, output_margin: bool, base_margin: Any = None) -> np.ndarray:
        import xgboost

        data = xgboost.DMatrix(
            rows, feature_names=self._booster.feature_names, feature_types=self._types,
            enable_categorical=True, base_margin=base_margin, nthread=1,
        )  # fmt: skip
        answer: np.ndarray = self._booster.predict(
            data, output_margin=output_margin, iteration_range=(0, self._rounds), strict_shape=False
        )
        return answer

    def _notes(self) -> tuple[str, ...]:
        notes = [f"the first {self._rounds} rounds of trees, up to its best iteration"] if self._rounds else []
        if self.ensemble.categorical:
            shown = ", ".join(map(str, sorted(self.ensemble.categorical)[:20]))
            notes.append(f"the columns {shown} are categories, sent as the whole numbers that XGBoost has for them")
        return tuple(notes)

    @functools.cached_property
    def ensemble(self) -> Ensemble:
        """Its trees."""
        trees, groups, weights = _forest(self._learner["gradient_booster"])
        parameters = self._learner["learner_model_param"]
        targets = max(int(parameters["num_class"]), int(parameters.get("num_target", 1)), 1)
        count = len(trees)
        if self._rounds:
            booster = self._learner["gradient_booster"]
            booster = booster.get("gbtree", booster)
            count = int(booster["model"]["iteration_indptr"][self._rounds])
        ensemble = Ensemble(int(parameters["num_feature"]), targets)
        for index in range(count):
            _add(ensemble, index, trees[index], groups[index], weights[index])
        ensemble.base = self._base(ensemble.columns, targets)
        return ensemble

    def _base(self, columns: int, targets: int) -> Sequence[float]:
        """What is added to the trees, asked of the library: each objective keeps it in another way."""
        row = np.zeros((1, columns), np.float32)
        zero = np.zeros((1, targets), np.float32) if targets > 1 else np.zeros(1, np.float32)
        with_base = self._predict(row, output_margin=True).ravel().astype(np.float64)
        without = self._predict(row, output_margin=True, base_margin=zero).ravel().astype(np.float64)
        return [float(value) for value in with_base - without]


def open_file(folder: Path, candidate: Candidate) -> XGBoostModel:
    """Opens what `save_model` wrote, of all rounds, or of those up to the best where scikit-learn's classes saved it:
    they predict with these alone.
    """
    import xgboost

    booster = xgboost.Booster({"nthread": 1})
    suffix = ".ubj" if candidate.format == "xgboost-ubj" else ".json"
    path = folder / candidate.main
    if path.suffix != suffix:
        path = Path(shutil.copyfile(path, path.with_name(f"{path.name}{suffix}")))
    try:
        booster.load_model(str(path))
    except xgboost.core.XGBoostError as error:
        raise _unread(str(error)) from None
    attributes = booster.attributes()
    best = attributes.get("best_iteration") if "scikit_learn" in attributes else None
    return XGBoostModel(booster, int(best) + 1 if best is not None else 0)


def _unread(words: str) -> ConversionFailed:
    """XGBoost's own words, without when and where they were said. Raises MemoryError where they mean that."""
    if "bad_alloc" in words:
        raise MemoryError
    reason = _WHERE.sub("", words.partition("Stack trace")[0]).strip(" :\n")
    remedy = "save it again with model.save_model('model.json')"
    return ConversionFailed(f"XGBoost can't open the file ({shown(reason)}): {remedy}", reason=reason, remedy=remedy)


def _forest(booster: Mapping[str, Any]) -> tuple[Sequence[Any], Sequence[int], Sequence[float]]:
    name = booster["name"]
    if name == "gblinear":
        raise _cannot("the linear booster gblinear")
    if name == "dart":
        forest = booster["gbtree"]["model"]
        return forest["trees"], forest["tree_info"], booster["weight_drop"]
    forest = booster["model"]
    return forest["trees"], forest["tree_info"], [1.0] * len(forest["trees"])


def _add(ensemble: Ensemble, index: int, tree: Mapping[str, Any], target: int, weight: float) -> None:
    if int(tree["tree_param"].get("size_leaf_vector", 1)) > 1:
        raise _cannot("trees with a vector in each leaf (multi_strategy=multi_output_tree)")
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


def _cannot(what: str) -> ConversionFailed:
    return ConversionFailed(f"{what} can't be written as ONNX here: {_REMEDY}", remedy=_REMEDY)

"""An XGBoost model opened by its library (xgboost/doc/tutorials/saving_model, doc/model.schema)."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aimass.formats.converter import Converted, Wanted
from aimass.formats.converters._ensemble import Ensemble, category_notes
from aimass.formats.converters._ensemble_graph import INPUT, Meaning, Transform, model, wanted
from aimass.formats.converters._refusal import cannot
from aimass.formats.converters._table import table
from aimass.formats.converters._xgboost_trees import categories_of, ensemble_of
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


class XGBoostModel:
    """A booster. `run` answers what `Booster.predict` does, and the scores that stand behind it."""

    def __init__(self, booster: Any, rounds: int = 0, labels: Sequence[Any] = (), saved_by: str = "") -> None:
        """`rounds` is how many rounds of trees count, 0 for all; `labels` what classes are called, if not 0, 1, ...;
        `saved_by` the version that wrote the file.
        """
        self._booster = booster
        self._rounds = rounds
        self._labels = labels
        self._saved_by = saved_by
        self._learner = json.loads(booster.save_raw("json"))["learner"]
        self._objective = self._learner["objective"]["name"]
        self._columns = tuple(booster.feature_names or ())
        self._types = booster.feature_types

    @property
    def wanted(self) -> Sequence[Wanted]:
        return wanted(self.ensemble)

    def convert(self, folder: Path) -> Converted:
        """Raises ConversionFailed for linear models, vector leaves and objectives that it doesn't know."""
        written = model(self.ensemble, self.meaning)
        (folder / "model.onnx").write_bytes(written.SerializeToString())
        labels = tuple(map(str, self._labels))
        return Converted(
            "model.onnx", ("model.onnx",), f"XGBoost {self._saved_by}".strip(), labels, self._describes, self._notes()
        )

    @property
    def _describes(self) -> Mapping[str, Any]:
        """NaN is a missing value to XGBoost, whatever it was trained with."""
        return table(self._columns, self._values, takes_nan=True)

    @functools.cached_property
    def _values(self) -> Mapping[str, Sequence[str]]:
        return categories_of(self._learner, self._columns)

    @property
    def meaning(self) -> Meaning:
        """What the sums of its trees mean."""
        if self._objective not in _TRANSFORMS:
            raise cannot(f"its objective {shown(self._objective)}", "train it with an objective of XGBoost's own")
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
        named = {index for index, name in enumerate(self._columns) if name in self._values}
        return (*notes, *category_notes(self.ensemble.categorical - named, "XGBoost"))

    @functools.cached_property
    def ensemble(self) -> Ensemble:
        """Its trees."""
        ensemble = ensemble_of(self._learner, self._rounds)
        ensemble.base = self._base(ensemble.columns, ensemble.targets)
        return ensemble

    def _base(self, columns: int, targets: int) -> Sequence[float]:
        """What is added to the trees, asked of the library: each objective keeps it in another way."""
        row = np.zeros((1, columns), np.float32)
        zero = np.zeros((1, targets), np.float32) if targets > 1 else np.zeros(1, np.float32)
        with_base = self._predict(row, output_margin=True).ravel().astype(np.float64)
        without = self._predict(row, output_margin=True, base_margin=zero).ravel().astype(np.float64)
        return [float(value) for value in with_base - without]

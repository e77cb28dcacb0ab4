"""A CatBoost model opened by its library, which writes ONNX itself (catboost/docs/apply-onnx-ml)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aimass.domain.errors import ConversionFailed
from aimass.formats.converter import Candidate, Converted, Wanted
from aimass.formats.converters._catboost_graph import each_by_itself, repair
from aimass.formats.converters._ensemble import LARGEST
from aimass.formats.converters._ensemble_graph import INPUT
from aimass.formats.converters._table import table

_CLASSES = ("Logloss", "CrossEntropy", "MultiClass", "MultiClassOneVsAll")
_PLAIN = ("RMSE", "MAE", "Quantile", "MAPE", "LogLinQuantile", "Huber", "Expectile", "Lq", "YetiRank", "QueryRMSE")
_EXPONENTS = ("Poisson", "Tweedie")
_VERSION = re.compile(r"Branch: tags/v(\d+(?:\.\d+)*)")
_FEATURES = "encode such features as numbers before the model"


class CatBoostModel:
    """A CatBoost model of features that are numbers."""

    def __init__(self, opened: Any) -> None:
        self._model = opened
        self._loss = str(opened.get_all_params().get("loss_function", "")).split(":")[0]
        self._labels = [label.item() if hasattr(label, "item") else label for label in _labels(opened)]

    @property
    def wanted(self) -> Sequence[Wanted]:
        borders = {
            int(column): [float(np.float32(value)) for value in values[:: max(1, len(values) // 64)]]
            for column, values in self._model.get_borders().items()
        }
        known = [value for values in borders.values() for value in values if abs(value) < LARGEST]
        low, high = min(known, default=0.0), max(known, default=1.0)
        margin = (high - low) / 10 or 1.0
        near = {column: [*values, math.nan] for column, values in borders.items()}
        return [Wanted(INPUT, "float32", (-1, self._columns), low - margin, high + margin, near)]

    def convert(self, folder: Path) -> Converted:
        """Raises ConversionFailed for features that are categories, texts or embeddings, and for other losses."""
        self._check()
        path = folder / "model.onnx"
        self._model.save_model(str(path), format="onnx")
        import onnx

        graph = onnx.load(str(path))
        repair(graph, self._columns, len(self._labels), exponent=self._loss in _EXPONENTS)
        if self._loss == "MultiClassOneVsAll":
            each_by_itself(graph.graph)
        onnx.checker.check_model(graph)
        path.write_bytes(graph.SerializeToString())
        names = tuple(map(str, self._model.feature_names_ or ()))
        return Converted(
            "model.onnx",
            ("model.onnx",),
            f"CatBoost {self._saved_by}".strip(),
            labels=tuple(map(str, self._labels)),
            describes=table(() if names == tuple(map(str, range(len(names)))) else names, takes_nan=self._takes_nan),
        )

    def run(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        rows = inputs[INPUT]
        if not self._labels:
            kind = "Exponent" if self._loss in _EXPONENTS else "RawFormulaVal"
            return {"variable": np.asarray(self._predict(rows, kind)).reshape(len(rows), -1)}
        label = np.asarray(self._predict(rows, "Class")).reshape(len(rows))
        return {"label": label, "probabilities": np.asarray(self._predict(rows, "Probability"))}

    def _predict(self, rows: np.ndarray, kind: str) -> Any:
        return self._model.predict(rows, prediction_type=kind, thread_count=1)

    @property
    def _saved_by(self) -> str:
        found = _VERSION.search(str(dict(self._model.get_metadata()).get("catboost_version_info", "")))
        return found[1] if found else ""

    @property
    def _takes_nan(self) -> bool:
        return str(self._model.get_all_params().get("nan_mode", "Min")) != "Forbidden"

    @property
    def _columns(self) -> int:
        return len(self._model.feature_names_)

    def _check(self) -> None:
        for what, columns in (
            ("features that are categories", self._model.get_cat_feature_indices()),
            ("features that are texts", self._model.get_text_feature_indices()),
            ("features that are embeddings", self._model.get_embedding_feature_indices()),
        ):
            if columns:
                shown = ", ".join(map(str, list(columns)[:8]))
                raise _cannot(f"{what}, as the columns {shown}", _FEATURES)
        if self._loss not in (*_CLASSES, *_PLAIN, *_EXPONENTS):
            raise _cannot(f"a model of the loss {self._loss}", "train it with another loss")


def open_file(folder: Path, candidate: Candidate) -> CatBoostModel:
    """Opens what `save_model` wrote."""
    import catboost

    opened = catboost.CatBoost()
    opened.load_model(str(folder / candidate.main))
    return CatBoostModel(opened)


def _labels(opened: Any) -> Sequence[Any]:
    labels = getattr(opened, "classes_", None)
    return list(labels) if labels is not None else []


def _cannot(what: str, remedy: str) -> ConversionFailed:
    return ConversionFailed(f"{what} can't be written as ONNX by CatBoost: {remedy}", remedy=remedy)

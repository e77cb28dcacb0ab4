"""A LightGBM model opened by its library."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aimass.formats.converter import Candidate, Converted, Wanted
from aimass.formats.converters._ensemble import Ensemble, category_notes
from aimass.formats.converters._ensemble_graph import INPUT, Meaning, Transform, model, wanted
from aimass.formats.converters._lightgbm_trees import categories_of, ensemble_of, linear
from aimass.formats.converters._refusal import cannot
from aimass.formats.converters._table import table
from aimass.formats.member import shown

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
_CATEGORIES = re.compile(r"\n\[categorical_feature: (\d+(?:,\d+)*)\]\n")
_VERSION = re.compile(rb"tree\r?\nversion=(v\d+)")


class LightGBMModel:
    """A booster. `run` answers what `Booster.predict` does, and the label that it means."""

    def __init__(self, booster: Any, labels: Sequence[Any] = (), saved_by: str = "") -> None:
        """`labels` are what classes are called, if not 0, 1, ...; `saved_by` is the version of the file."""
        self._saved_by = saved_by
        self._labels = labels
        self._booster = booster
        self._dump = booster.dump_model()
        self._objective, self._options = _objective(self._dump.get("objective", ""))

    @property
    def wanted(self) -> Sequence[Wanted]:
        return wanted(self.ensemble)

    def convert(self, folder: Path) -> Converted:
        """Raises ConversionFailed for linear trees, zeros as missing values and objectives that it doesn't know."""
        written = model(self.ensemble, self.meaning)
        (folder / "model.onnx").write_bytes(written.SerializeToString())
        columns = tuple(self._booster.feature_name())
        return Converted(
            "model.onnx",
            ("model.onnx",),
            f"LightGBM {self._saved_by}".strip(),
            labels=tuple(map(str, self._labels)),
            # NaN is a missing value to LightGBM, whatever it was trained with.
            describes=table(() if columns[0] == "Column_0" else columns, self._values, takes_nan=True),
            notes=tuple(self._notes()),
        )

    @property
    def meaning(self) -> Meaning:
        """What the sums of its trees mean."""
        if self._objective not in _TRANSFORMS:
            raise cannot(f"its objective {shown(self._objective)}", "train it with an objective of LightGBM's own")
        transform: Transform = "square" if "sqrt" in self._options else _TRANSFORMS[self._objective]
        factor = float(self._options.get("sigmoid", 1.0))
        return Meaning(transform, self._objective in _CLASSES, factor, self._labels)

    def _notes(self) -> Iterator[str]:
        if not self._objective:
            yield "its objective is a function of its owner's: the sums of its trees are answered"
        columns = self._booster.feature_name()
        unnamed = (index for index in self.ensemble.categorical if columns[index] not in self._values)
        yield from category_notes(unnamed, "LightGBM")

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
        if self._booster.params.get("linear_tree"):
            raise linear()
        return ensemble_of(self._dump)

    @functools.cached_property
    def _values(self) -> Mapping[str, Sequence[str]]:
        found = _CATEGORIES.search(self._booster.model_to_string(num_iteration=1))
        return categories_of(self._dump, [int(index) for index in found[1].split(",")] if found else ())


def open_file(folder: Path, candidate: Candidate) -> LightGBMModel:
    """Opens what `save_model` wrote."""
    import lightgbm

    path = folder / candidate.main
    return LightGBMModel(lightgbm.Booster(model_file=str(path)), saved_by=_version(path))


def _version(path: Path) -> str:
    """Of the file's format: the file doesn't have the library's."""
    with path.open("rb") as file:
        found = _VERSION.match(file.read(64))
    return f"(model format {found[1].decode()})" if found else ""


def _objective(text: str) -> tuple[str, Mapping[str, str]]:
    """The objective's name and its options, such as `binary sigmoid:1` and `regression sqrt`."""
    name, *options = text.split() or [""]
    return name, dict(option.partition(":")[::2] for option in options)

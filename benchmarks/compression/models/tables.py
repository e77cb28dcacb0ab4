"""Tree ensembles of scikit-learn on a table like that of letters: 16 whole numbers from 0 to 15, 26 classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from skl2onnx import to_onnx
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from benchmarks.compression.models.built import MODEL, Built

_SEED = 7
_ROWS, _DATA, _TEST = 40_000, 12_000, 10_000
_LEVELS = 15
_OPSET = {"": 18, "ai.onnx.ml": 3}


def forest(folder: Path, share: float) -> Built:
    return _built(RandomForestClassifier(40, min_samples_leaf=3, n_jobs=1, random_state=_SEED), folder, share)


def boosted(folder: Path, share: float) -> Built:
    model = HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=15, early_stopping=False, random_state=_SEED)
    return _built(model, folder, share)


def letters() -> tuple[np.ndarray, np.ndarray]:
    """[n, 16] float32, and which of 26 classes, each of which lies in two places."""
    values, classes = make_classification(
        _ROWS,
        n_features=16,
        n_informative=12,
        n_redundant=2,
        n_classes=26,
        n_clusters_per_class=2,
        class_sep=2.5,
        random_state=_SEED,
    )
    low, high = np.quantile(values, [0.005, 0.995], axis=0)
    whole = np.rint(np.clip((values - low) / (high - low), 0, 1) * _LEVELS)
    return whole.astype(np.float32), classes.astype(np.int64)


def _built(model: Any, folder: Path, share: float) -> Built:
    rows, classes = letters()
    learnt = int((_ROWS - _DATA - _TEST) * share)
    data, test = slice(-_DATA - _TEST, -_TEST), slice(-_TEST, None)
    model.fit(rows[:learnt], classes[:learnt])
    graph = to_onnx(model, rows[:1], options={"zipmap": False}, target_opset=_OPSET)
    (folder / MODEL).write_bytes(graph.SerializeToString())
    about = {
        "data": "made up by scikit-learn",
        "trained on": learnt,
        "accuracy": model.score(rows[test], classes[test]),
    }
    return Built({"X": rows[data], "labels": classes[data]}, {"X": rows[test], "labels": classes[test]}, about)


MODELS: dict[str, Callable[[Path, float], Built]] = {"forest": forest, "boosted": boosted}

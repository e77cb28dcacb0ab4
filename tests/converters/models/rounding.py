"""scikit-learn's and LightGBM's models of doubles; `rows` are the training's own, as its owner would send a sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.converters.models.made import Made

NOW = 1.7e9  # seconds, of which single precision tells apart every 128th


def _saved(folder: Path, model: Any, rows: np.ndarray, truth: np.ndarray) -> Made:
    import joblib

    joblib.dump(model.fit(rows, truth), folder / "model.joblib")
    return Made("sklearn", ("model.joblib",), {"input": rows[:1000]})


def _prices() -> tuple[np.ndarray, np.ndarray]:
    rows = np.random.default_rng(4).normal(size=(2000, 4)).round(2)
    return rows, (rows.sum(1) > 0).astype(int)


def _hour() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    rows = np.stack([NOW + 3600 * random.random(2000), random.normal(size=2000)], 1)
    return rows, (np.sin((rows[:, 0] - NOW) / 180) > 0).astype(int)


def histogram_prices(folder: Path) -> Made:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return _saved(folder, HistGradientBoostingClassifier(max_iter=20), *_prices())


def forest_prices(folder: Path) -> Made:
    from sklearn.ensemble import RandomForestClassifier

    return _saved(folder, RandomForestClassifier(5, random_state=0), *_prices())


def logistic_prices(folder: Path) -> Made:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return _saved(folder, make_pipeline(StandardScaler(), LogisticRegression()), *_prices())


def histogram_hour(folder: Path) -> Made:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return _saved(folder, HistGradientBoostingClassifier(max_iter=20), *_hour())


def forest_hour(folder: Path) -> Made:
    """It takes single precision itself, so that nothing is lost."""
    from sklearn.ensemble import RandomForestClassifier

    return _saved(folder, RandomForestClassifier(5, random_state=0), *_hour())


def forest_scaled_hour(folder: Path) -> Made:
    """Its scaler takes doubles."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return _saved(folder, make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0)), *_hour())


def neighbours_hour(folder: Path) -> Made:
    from sklearn.neighbors import KNeighborsClassifier

    rows, truth = _hour()
    return _saved(folder, KNeighborsClassifier(), rows * [1, 0], truth)


def lightgbm_hour(folder: Path) -> Made:
    import lightgbm

    rows, truth = _hour()
    options = {"objective": "binary", "verbose": -1, "num_threads": 1}
    lightgbm.train(options, lightgbm.Dataset(rows, truth), 20).save_model(folder / "model.txt")
    return Made("lightgbm", ("model.txt",), {"input": rows[:1000]})


def xgboost_hour(folder: Path) -> Made:
    """It takes single precision itself, so that nothing is lost."""
    import xgboost

    rows, truth = _hour()
    options = {"objective": "binary:logistic", "nthread": 1}
    xgboost.train(options, xgboost.DMatrix(rows, truth), 20).save_model(folder / "model.json")
    return Made("xgboost-json", ("model.json",), {"input": rows[:1000]})


MODELS = {
    one.__name__: one
    for one in (
        histogram_prices, forest_prices, logistic_prices, histogram_hour, forest_hour, forest_scaled_hour,
        neighbours_hour, lightgbm_hour, xgboost_hour
    )
}  # fmt: skip

"""scikit-learn's trees behind scalers, of numbers with two decimals; `rows` are some that they weren't trained with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.converters.models.made import Made

Make = Callable[[Path], Made]


def _prices() -> tuple[np.ndarray, np.ndarray]:
    rows = (np.random.default_rng(4).normal(size=(3000, 3)) * [1, 10, 100] + [0, 50, 1000]).round(2)
    return rows, rows[:, 0] * 3 + np.sin(rows[:, 1] / 5) + rows[:, 2] / 100


def _saved(folder: Path, *steps: Any) -> Made:
    import joblib
    from sklearn.pipeline import make_pipeline

    rows, truth = _prices()
    joblib.dump(make_pipeline(*steps).fit(rows[:2000], truth[:2000]), folder / "model.joblib")
    return Made("sklearn", ("model.joblib",), {"input": rows[1500:]})


def _histogram() -> Any:
    """Its thresholds are scaled prices, or lie half way between."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(max_iter=20)


def histogram(folder: Path) -> Made:
    from sklearn.preprocessing import StandardScaler

    return _saved(folder, StandardScaler(), _histogram())


def histogram_imputed(folder: Path) -> Made:
    from sklearn.impute import SimpleImputer

    return _saved(folder, SimpleImputer(), _histogram())


def histogram_of_ranges(folder: Path) -> Made:
    """Three scalers, one after the other."""
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler

    return _saved(folder, RobustScaler(), MaxAbsScaler(), MinMaxScaler(), _histogram())


def histogram_of_columns(folder: Path) -> Made:
    """Two columns are scaled, and one is passed on."""
    from sklearn.compose import make_column_transformer
    from sklearn.preprocessing import StandardScaler

    made = _saved(folder, make_column_transformer((StandardScaler(), [2, 0]), ("passthrough", [1])), _histogram())
    rows = made.rows["input"]
    return Made(made.format, made.files, {f"column_{place}": rows[:, [place]] for place in range(3)})


def forest(folder: Path) -> Made:
    """Its thresholds lie half way between scaled prices, where others lie."""
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.preprocessing import StandardScaler

    return _saved(folder, StandardScaler(), RandomForestRegressor(10, random_state=0))


def xgboost_scaled(folder: Path) -> Made:
    import xgboost
    from sklearn.preprocessing import StandardScaler

    return _saved(folder, StandardScaler(), xgboost.XGBRegressor(n_estimators=30, n_jobs=1))


def lightgbm_scaled(folder: Path) -> Made:
    import lightgbm
    from sklearn.preprocessing import StandardScaler

    return _saved(folder, StandardScaler(), lightgbm.LGBMRegressor(n_estimators=30, n_jobs=1, verbose=-1))


MODELS: dict[str, Make] = {
    make.__name__: make
    for make in (
        *(histogram, histogram_imputed, histogram_of_ranges, histogram_of_columns),
        *(forest, xgboost_scaled, lightgbm_scaled),
    )
}

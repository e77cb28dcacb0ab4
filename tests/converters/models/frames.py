"""Boosters trained on a data frame: one column of numbers, one of texts as categories, one of numbers as categories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.converters.models.made import Made, accuracy

COLORS, SIZES = ("blue", "green", "red"), (1, 5, 9)


def _frame() -> tuple[Any, np.ndarray, np.ndarray]:
    """The table, what is true of each row, and the table as the trees have it: categories as their numbers."""
    import pandas

    random = np.random.default_rng(2)
    amount, color, size = random.normal(size=600), random.integers(0, 3, 600), random.integers(0, 3, 600)
    table = pandas.DataFrame(
        {
            "amount": amount,
            "color": pandas.Categorical.from_codes(color, list(COLORS)),
            "size": pandas.Categorical.from_codes(size, list(SIZES)),
        }
    )
    truth = ((color == 2) ^ (size == 1) ^ (amount > 0.5)).astype(int)
    return table, truth, np.stack([amount, color, size], 1).astype(np.float32)


def xgboost(folder: Path, suffix: str = "json", **options: Any) -> Made:
    from xgboost import XGBClassifier

    table, truth, rows = _frame()
    model = XGBClassifier(n_estimators=20, enable_categorical=True, max_cat_to_onehot=1, n_jobs=1, **options)
    model.fit(table, truth).save_model(folder / f"model.{suffix}")
    return Made(f"xgboost-{suffix}", (f"model.{suffix}",), {"input": rows}, accuracy(truth))


def xgboost_dart(folder: Path) -> Made:
    return xgboost(folder, "ubj", booster="dart", rate_drop=0.2)


def lightgbm(folder: Path, **options: Any) -> Made:
    from lightgbm import LGBMClassifier

    table, truth, rows = _frame()
    model = LGBMClassifier(n_estimators=20, min_data_per_group=1, cat_smooth=1, verbosity=-1, n_jobs=1)
    model.fit(table, truth, **options).booster_.save_model(folder / "model.txt")
    return Made("lightgbm", ("model.txt",), {"input": rows}, accuracy(truth))


def lightgbm_some(folder: Path) -> Made:
    """Of the columns of categories one is taken for such: its file doesn't say whose the names are."""
    return lightgbm(folder, categorical_feature=["color"])


def catboost(folder: Path) -> Made:
    """Numbers alone, some missing."""
    from catboost import CatBoostClassifier

    table, truth, rows = _frame()
    numbers = table[["amount"]].assign(other=np.where(truth, np.nan, 1.0))
    model = CatBoostClassifier(iterations=20, verbose=0, allow_writing_files=False, thread_count=1)
    model.fit(numbers, truth).save_model(str(folder / "model.cbm"))
    tried = np.stack([rows[:, 0], numbers["other"].to_numpy(np.float32)], 1)
    return Made("catboost", ("model.cbm",), {"input": tried}, accuracy(truth))


MODELS = {
    "xgboost": xgboost,
    "xgboost_dart": xgboost_dart,
    "lightgbm": lightgbm,
    "lightgbm_some": lightgbm_some,
    "catboost": catboost,
}

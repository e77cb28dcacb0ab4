"""Estimators and pipelines of scikit-learn as its users put them together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets

from tests.converters.models.made import Made, accuracy, r2

Make = Callable[[Path], Made]


def _saved(model: Any, folder: Path) -> Made:
    import joblib

    joblib.dump(model, folder / "model.joblib")
    return Made("sklearn", ("model.joblib",))


def _wine(build: Callable[[], Any], *, named: bool = False, classes: int = 3) -> Make:
    """Trained on wines, whose columns have names if they are to be `named`."""

    def make(folder: Path) -> Made:
        import pandas

        wine = datasets.load_wine()
        kept = wine.target < classes
        rows, truth = wine.data[kept], wine.target[kept]
        model = build().fit(pandas.DataFrame(rows, columns=wine.feature_names) if named else rows, truth)
        score = accuracy(truth) if hasattr(model, "classes_") else None
        return replace(_saved(model, folder), rows={"input": rows.astype(np.float32)}, score=score)

    return make


def _patients(build: Callable[[], Any]) -> Make:
    """Trained on what became of patients."""

    def make(folder: Path) -> Made:
        rows, truth = datasets.load_diabetes(return_X_y=True)
        made = _saved(build().fit(rows[::2], truth[::2]), folder)
        return replace(made, rows={"input": rows[1::2].astype(np.float32)}, score=r2(truth[1::2], "variable"))

    return make


def _persons(words: Callable[[], Any]) -> Make:
    """A number and a text of each, some missing. Half of the truth is which town, or that none is known."""

    def make(folder: Path) -> Made:
        import pandas
        from sklearn.compose import ColumnTransformer
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        random = np.random.default_rng(3)
        age, town = random.uniform(18, 90, 400), random.choice(["Köln", "Köln", "Paris", "Łódź"], 400).astype(object)
        age[::9], town[::7] = np.nan, np.nan
        truth = (town == "Paris").astype(int)
        columns = ColumnTransformer(
            [("age", make_pipeline(SimpleImputer(), StandardScaler()), ["age"]), ("town", words(), ["town"])]
        )
        model = make_pipeline(columns, LogisticRegression())
        model.fit(pandas.DataFrame({"age": age, "town": pandas.Series(town, dtype=object)}), truth)
        texts = np.array(["" if one != one else one for one in town], object)
        rows = {"age": age.astype(np.float32).reshape(-1, 1), "town": texts.reshape(-1, 1)}
        return replace(_saved(model, folder), rows=rows, score=accuracy(truth))

    return make


def _passed_on(folder: Path) -> Made:
    """A column that only the trees look at, at values around 40,000."""
    import pandas
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    random = np.random.default_rng(3)
    age, income = random.uniform(18, 90, 400), random.normal(40_000, 9_000, 400)
    truth = ((income > 42_000) ^ (age > 50)).astype(int)
    columns = ColumnTransformer([("age", StandardScaler(), ["age"])], remainder="passthrough")
    model = make_pipeline(columns, RandomForestClassifier(5, random_state=1))
    model.fit(pandas.DataFrame({"income": income, "age": age}), truth)
    rows = {"income": income.astype(np.float32).reshape(-1, 1), "age": age.astype(np.float32).reshape(-1, 1)}
    return replace(_saved(model, folder), rows=rows, score=accuracy(truth))


def _histogram_of_towns(way: str) -> Make:
    """Trained on a town and a number: `native` and `skops` with categories of its own, `encoded` behind an encoder."""

    def make(folder: Path) -> Made:
        import pandas
        from sklearn.compose import ColumnTransformer
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder
        from skops import io

        random = np.random.default_rng(3)
        town, age = random.choice(["Köln", "Paris", "Łódź"], 400), random.uniform(18, 90, 400)
        truth = (town == "Paris").astype(int)
        model = HistGradientBoostingClassifier(max_iter=5)
        if way == "encoded":
            encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
            model = make_pipeline(ColumnTransformer([("town", encoder, ["town"])], remainder="passthrough"), model)
        kind = object if way == "encoded" else "category"
        model.fit(pandas.DataFrame({"town": pandas.Series(town).astype(kind), "age": age}), truth)
        if way == "skops":
            io.dump(model, folder / "model.skops")
            return Made("skops", ("model.skops",))
        rows = {"town": town.astype(object).reshape(-1, 1), "age": age.astype(np.float32).reshape(-1, 1)}
        return replace(_saved(model, folder), rows=rows, score=accuracy(truth))

    return make


def _labels(folder: Path) -> Made:
    """Two answers to each row."""
    from sklearn.neural_network import MLPClassifier

    rows, truth = datasets.load_diabetes(return_X_y=True)
    return _saved(MLPClassifier(8, max_iter=5).fit(rows, np.stack([truth > 100, truth > 200], 1)), folder)


def _estimators() -> dict[str, Make]:
    from sklearn import (
        calibration,
        cluster,
        ensemble,
        gaussian_process,
        impute,
        linear_model,
        manifold,
        multiclass,
        neighbors,
        pipeline,
        preprocessing,
        svm,
    )

    scaled = pipeline.make_pipeline
    scaler, logistic = preprocessing.StandardScaler, linear_model.LogisticRegression
    encoder = preprocessing.OneHotEncoder
    return {
        "linear_svc": _wine(lambda: scaled(scaler(), svm.LinearSVC()), classes=2),
        "ridge_classifier": _wine(lambda: linear_model.RidgeClassifier()),
        "sgd_hinge": _wine(lambda: scaled(scaler(), linear_model.SGDClassifier(random_state=1))),
        "perceptron": _wine(lambda: scaled(scaler(), linear_model.Perceptron()), classes=2),
        "passive_aggressive": _wine(lambda: linear_model.PassiveAggressiveClassifier(random_state=1)),
        "svc": _wine(lambda: scaled(scaler(), svm.SVC()), classes=2),
        "histogram_named": _wine(lambda: ensemble.HistGradientBoostingClassifier(max_iter=5), named=True),
        "forest_named": _wine(lambda: ensemble.RandomForestClassifier(5, random_state=1), named=True),
        "imputed_named": _wine(lambda: scaled(impute.SimpleImputer(), scaler(), logistic()), named=True),
        "logistic_named": _wine(lambda: scaled(scaler(), logistic()), named=True),
        "texts_imputed": _persons(
            lambda: scaled(impute.SimpleImputer(strategy="most_frequent"), encoder(handle_unknown="ignore"))
        ),
        "texts_missing": _persons(lambda: encoder(handle_unknown="ignore")),
        "neighbours_scaled": _patients(lambda: scaled(scaler(), neighbors.KNeighborsRegressor())),
        "neighbours_weighted": _wine(lambda: neighbors.KNeighborsClassifier(weights="distance")),
        "process_scaled": _patients(lambda: scaled(scaler(), gaussian_process.GaussianProcessRegressor(alpha=0.1))),
        "means_scaled": _wine(lambda: scaled(scaler(), cluster.MiniBatchKMeans(3, n_init=1, random_state=1))),
        "bins": _wine(lambda: scaled(_bins(), logistic())),
        "powers": _wine(lambda: scaled(preprocessing.PowerTransformer(), logistic())),
        "calibrated": _wine(lambda: scaled(scaler(), calibration.CalibratedClassifierCV(svm.LinearSVC())), classes=2),
        "calibrated_isotonic": _wine(
            lambda: calibration.CalibratedClassifierCV(
                ensemble.RandomForestClassifier(5, random_state=1), method="isotonic"
            )
        ),
        "passed_on": _passed_on,
        "stacked_margins": _wine(lambda: _stacked(svm.LinearSVC())),
        "dbscan": _wine(lambda: cluster.DBSCAN()),
        "tsne": _wine(lambda: manifold.TSNE(max_iter=250)),
        "indicator": _wine(lambda: scaled(impute.SimpleImputer(add_indicator=True), logistic(max_iter=5000))),
        "stacked_two": _wine(lambda: _stacked(svm.LinearSVC()), classes=2),
        "calibrated_pipeline": _wine(
            lambda: calibration.CalibratedClassifierCV(scaled(scaler(), svm.LinearSVC())), classes=2
        ),
        "one_versus_rest": _wine(lambda: multiclass.OneVsRestClassifier(svm.LinearSVC())),
        "process_of_three": _wine(lambda: gaussian_process.GaussianProcessClassifier()),
        "ordinal_missing": _persons(lambda: preprocessing.OrdinalEncoder(encoded_missing_value=-1)),
        "labels": _labels,
        **{f"histogram_{way}": _histogram_of_towns(way) for way in ("native", "skops", "encoded")},
        "boosting_init": _wine(lambda: ensemble.GradientBoostingClassifier(n_estimators=2, init=logistic(max_iter=9))),
        "nystroem": _wine(lambda: scaled(scaler(), _nystroem(), logistic())),
        "neighbours_imputed": _wine(lambda: scaled(impute.KNNImputer(), logistic(max_iter=5000))),
    }


def _bins() -> Any:
    from sklearn.preprocessing import KBinsDiscretizer

    return KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf")


def _nystroem() -> Any:
    from sklearn.kernel_approximation import Nystroem

    return Nystroem(n_components=20)


def _stacked(other: Any) -> Any:
    from sklearn.ensemble import RandomForestClassifier, StackingClassifier

    return StackingClassifier([("forest", RandomForestClassifier(5, random_state=1)), ("other", other)])


MODELS = _estimators()

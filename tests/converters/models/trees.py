"""Models of scikit-learn's data sets, as XGBoost, LightGBM, CatBoost and scikit-learn save them."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn import datasets

from tests.converters.models.made import Made, accuracy, r2

Make = Callable[..., Made]
ROUNDS = 25


def _digits() -> tuple[np.ndarray, np.ndarray]:
    """[1797, 64] grey values from 0 to 16; which digit."""
    return datasets.load_digits(return_X_y=True)


def _cancer() -> tuple[np.ndarray, np.ndarray]:
    """[569, 30] measures of nuclei; 1 for benign."""
    return datasets.load_breast_cancer(return_X_y=True)


def _diabetes() -> tuple[np.ndarray, np.ndarray]:
    """[442, 10] measures of patients; the disease's progression."""
    return datasets.load_diabetes(return_X_y=True)


def _holes(rows: np.ndarray) -> np.ndarray:
    return np.where(np.random.default_rng(6).random(rows.shape) < 0.1, np.nan, rows)


def _holed() -> tuple[np.ndarray, np.ndarray]:
    """The patients, with values missing."""
    rows, truth = _diabetes()
    return _holes(rows), truth


def _holed_cancer() -> tuple[np.ndarray, np.ndarray]:
    """The nuclei, with values missing."""
    rows, truth = _cancer()
    return _holes(rows), truth


def _two_targets() -> tuple[np.ndarray, np.ndarray]:
    """The patients, and two numbers to tell of each."""
    rows, truth = _diabetes()
    return rows, np.stack([truth, -truth], 1)


def _halves(rows: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Even rows to train with, odd rows to score."""
    return rows[::2], truth[::2], rows[1::2].astype(np.float32), truth[1::2]


def _xgboost(objective: str, data: Callable[[], Any], suffix: str = "json", **options: Any) -> Make:
    def make(folder: Path) -> Made:
        import xgboost

        rows, truth, tried, answers = _halves(*data())
        training = xgboost.DMatrix(rows, options.pop("truth", lambda truth: truth)(truth), nthread=1)
        parameters = {"objective": objective, "max_depth": 4, "nthread": 1, "seed": 1, **options}
        if objective.startswith("rank:"):
            training.set_group([len(rows)])
        xgboost.train(parameters, training, ROUNDS).save_model(folder / f"model.{suffix}")
        classes = objective.startswith(("multi:", "binary:")) and objective != "binary:logitraw"
        score = accuracy(answers) if classes else None
        if objective.startswith("reg:") and answers.ndim == 1 and "quantile_alpha" not in options:
            score = r2(answers, "variable")
        return Made(f"xgboost-{suffix}", (f"model.{suffix}",), {"input": tried}, score)

    return make


def xgboost_best_iteration(folder: Path) -> Made:
    """Stopped early by scikit-learn's class, which predicts with the rounds up to the best."""
    import xgboost

    rows, truth, tried, answers = _halves(*_cancer())
    model = xgboost.XGBClassifier(n_estimators=200, early_stopping_rounds=3, learning_rate=1.0, n_jobs=1)
    model.fit(rows[::2], truth[::2], eval_set=[(rows[1::2], truth[1::2])], verbose=False)
    model.save_model(folder / "model.json")
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    return Made("xgboost-json", ("model.json",), {"input": tried}, accuracy(answers))


def xgboost_categories(folder: Path) -> Made:
    """The second column is a category, split by sets of its values."""
    import xgboost

    random = np.random.default_rng(4)
    rows = np.stack([random.normal(size=2000), random.integers(0, 12, 2000)], 1).astype(np.float32)
    truth = ((np.isin(rows[:, 1], (1, 4, 7, 11))) ^ (rows[:, 0] > 0.5)).astype(int)
    types = ["q", "c"]
    training = xgboost.DMatrix(rows, truth, feature_types=types, enable_categorical=True, nthread=1)
    parameters = {"objective": "binary:logistic", "max_depth": 4, "max_cat_to_onehot": 1, "nthread": 1}
    xgboost.train(parameters, training, ROUNDS).save_model(folder / "model.json")
    return Made("xgboost-json", ("model.json",), {"input": rows[:200]}, accuracy(truth[:200]))


def xgboost_missing(folder: Path) -> Made:
    """Trained with holes, and scored with them."""
    import xgboost

    rows, truth, tried, answers = _halves(*_cancer())
    random = np.random.default_rng(3)
    rows, tried = rows.copy(), tried.copy()
    rows[random.random(rows.shape) < 0.2] = np.nan
    tried[random.random(tried.shape) < 0.2] = np.nan
    model = xgboost.train(
        {"objective": "binary:logistic", "nthread": 1}, xgboost.DMatrix(rows, truth, nthread=1), ROUNDS
    )
    model.save_model(folder / "model.ubj")
    return Made("xgboost-ubj", ("model.ubj",), {"input": tried}, accuracy(answers))


def xgboost_named(folder: Path) -> Made:
    """Its columns have names."""
    import xgboost

    names = [name.replace(" ", "_") for name in datasets.load_breast_cancer().feature_names]
    rows, truth, tried, answers = _halves(*_cancer())
    training = xgboost.DMatrix(rows, truth, feature_names=names, nthread=1)
    xgboost.train({"objective": "binary:logistic", "nthread": 1}, training, ROUNDS).save_model(folder / "model.json")
    return Made("xgboost-json", ("model.json",), {"input": tried}, accuracy(answers))


def _lightgbm(objective: str, data: Callable[[], Any], **options: Any) -> Make:
    def make(folder: Path) -> Made:
        import lightgbm

        rows, truth, tried, answers = _halves(*data())
        group = [len(rows)] if objective == "lambdarank" else None
        parameters = {"objective": objective, "num_threads": 1, "seed": 1, "verbosity": -1, "num_leaves": 15, **options}
        lightgbm.train(parameters, lightgbm.Dataset(rows, truth, group=group), ROUNDS).save_model(folder / "model.txt")
        score = accuracy(answers) if objective in ("binary", "multiclass", "multiclassova") else None
        if objective.startswith("regression"):
            score = r2(answers, "variable")
        return Made("lightgbm", ("model.txt",), {"input": tried}, score)

    return make


def lightgbm_categories(folder: Path) -> Made:
    """The second column is a category, split by sets of its values."""
    import lightgbm

    random = np.random.default_rng(4)
    rows = np.stack([random.normal(size=3000), random.integers(0, 40, 3000)], 1)
    truth = ((rows[:, 1] % 3 == 1) ^ (rows[:, 0] > 0.5)).astype(int)
    parameters = {"objective": "binary", "verbosity": -1, "min_data_per_group": 1, "cat_smooth": 1, "num_threads": 1}
    data = lightgbm.Dataset(rows, truth, categorical_feature=[1])
    lightgbm.train(parameters, data, ROUNDS).save_model(folder / "model.txt")
    return Made("lightgbm", ("model.txt",), {"input": rows[:300].astype(np.float32)}, accuracy(truth[:300]))


def lightgbm_missing(folder: Path) -> Made:
    """Half of its columns had holes when it was trained; all have some when it is asked."""
    import lightgbm

    rows, truth, tried, answers = _halves(*_cancer())
    random = np.random.default_rng(3)
    rows, tried = rows - rows.mean(0), tried - rows.mean(0).astype(np.float32)
    rows[:, ::2][random.random(rows[:, ::2].shape) < 0.2] = np.nan
    tried[random.random(tried.shape) < 0.2] = np.nan
    parameters = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    lightgbm.train(parameters, lightgbm.Dataset(rows, truth), ROUNDS).save_model(folder / "model.txt")
    return Made("lightgbm", ("model.txt",), {"input": tried}, accuracy(answers))


def _catboost(loss: str, data: Callable[[], Any], names: Any = None, **options: Any) -> Make:
    def make(folder: Path) -> Made:
        import catboost

        rows, truth, tried, answers = _halves(*data())
        if names is not None:
            truth, answers = np.array(names)[truth], np.array(names)[answers]
        parameters = {
            **options,
            "iterations": ROUNDS,
            "depth": 4,
            "verbose": 0,
            "thread_count": 1,
            "allow_writing_files": False,
        }
        pool = catboost.Pool(rows, truth)
        catboost.CatBoost({**parameters, "loss_function": loss}).fit(pool).save_model(str(folder / "model.cbm"))
        score = accuracy(answers) if loss.startswith(("Logloss", "MultiClass")) else r2(answers, "variable")
        return Made("catboost", ("model.cbm",), {"input": tried}, score)

    return make


def catboost_categories(folder: Path) -> Made:
    """A feature is a category: its ONNX export can't say that."""
    import catboost

    rows = [[value, color] for value, color in zip(range(60), ["red", "blue", "green"] * 20, strict=True)]
    model = catboost.CatBoostClassifier(iterations=5, cat_features=[1], verbose=0, allow_writing_files=False)
    model.fit(rows, [color == "red" for _, color in rows]).save_model(str(folder / "model.cbm"))
    return Made("catboost", ("model.cbm",))


def _saved(model: Any, folder: Path, way: str) -> Made:
    """Saved by skops, pickle or joblib, whose compression is what follows a dash."""
    if way == "skops":
        from skops import io

        io.dump(model, folder / "model.skops")
        return Made("skops", ("model.skops",))
    if way.startswith("pickle"):
        (folder / "model.pkl").write_bytes(pickle.dumps(model, int(way.partition("-")[2] or 4)))
        return Made("sklearn", ("model.pkl",))
    joblib.dump(model, folder / "model.joblib", compress=(way.partition("-")[2], 3) if "-" in way else 0)
    return Made("sklearn", ("model.joblib",))


def _sklearn(build: Callable[[], Any], data: Callable[[], Any], way: str = "skops", names: Any = None) -> Make:
    def make(folder: Path) -> Made:
        rows, truth, tried, answers = _halves(*data())
        if names is not None:
            truth, answers = np.array(names)[truth], np.array(names)[answers]
        model = build().fit(rows, truth)
        made = _saved(model, folder, way)
        numbers = hasattr(model, "predict") and not hasattr(model, "classes_")
        score = r2(answers, "variable") if numbers and data in (_diabetes, _holed) else None
        score = accuracy(answers) if hasattr(model, "classes_") else score
        return replace(made, rows={"input": tried}, score=score)

    return make


_SPAM = ["buy cheap pills now", "win money today", "cheap watches for you", "you win a prize today", "money for pills"]
_HAM = [
    "meeting at noon",
    "see you at lunch",
    "the agenda for monday",
    "notes of the meeting",
    "lunch on monday at noon",
]


def _text(build: Callable[[], Any], way: str = "joblib") -> Make:
    """Mail, some of it in other scripts and with words of a single letter."""

    def make(folder: Path) -> Made:
        spam = [*_SPAM, "Günstige Pillen kaufen", "ДЕШЁВЫЕ таблетки", "buy a cheap prize", "ÉTÉ à prix bas"]
        ham = [*_HAM, "Grüße aus Köln", "встреча в полдень", "I see a note", "réunion à midi"]
        texts, truth = spam * 4 + ham * 4, np.array(["spam"] * len(spam) * 4 + ["ham"] * len(ham) * 4)
        model = build().fit(texts, truth)
        rows = np.array([[text.upper() if index % 3 else text] for index, text in enumerate(texts)], object)
        return replace(_saved(model, folder, way), rows={"text": rows}, score=accuracy(truth))

    return make


def _mixed(*, frame: bool, way: str = "pickle") -> Make:
    """Numbers and words in one table, by the columns' names or numbers."""

    def make(folder: Path) -> Made:
        import pandas
        from sklearn.compose import ColumnTransformer
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        random = np.random.default_rng(5)
        age, income = random.uniform(18, 90, 400), random.normal(40_000, 9_000, 400)
        town = random.choice(["Köln", "Paris", "Łódź"], 400)
        truth = ((age > 50) ^ (town == "Paris")).astype(int)
        table = pandas.DataFrame({"age": age, "home town": town, "income": income})
        numbers, words = (["age", "income"], ["home town"]) if frame else ([0, 2], [1])
        columns = ColumnTransformer(
            [
                ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
                ("words", OneHotEncoder(handle_unknown="ignore"), words),
            ]
        )
        model = make_pipeline(columns, LogisticRegression())
        model.fit(table if frame else table.to_numpy(object), truth)
        names = ["age", "home town", "income"] if frame else ["column_0", "column_1", "column_2"]
        values = [age.astype(np.float32), town.astype(object), income.astype(np.float32)]
        rows = {name: value.reshape(-1, 1) for name, value in zip(names, values, strict=True)}
        return replace(_saved(model, folder, way), rows=rows, score=accuracy(truth))

    return make


def sklearn_mixed_texts(folder: Path) -> Made:
    """Texts, categories with some missing, numbers, and a column that is passed on."""
    import pandas
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    random = np.random.default_rng(8)
    texts, kinds = random.choice([*_SPAM, *_HAM], 300), random.choice(["a", "b", "c"], 300)
    sizes, codes, shares = random.normal(5, 2, 300), random.integers(0, 4, 300), random.random(300)
    table = pandas.DataFrame({"text": texts, "kind": kinds, "code": codes, "size": sizes, "share": shares})
    columns = ColumnTransformer(
        [
            ("words", TfidfVectorizer(), "text"),
            ("kind", make_pipeline(OneHotEncoder(handle_unknown="ignore")), ["kind"]),
            ("code", OrdinalEncoder(), ["code"]),
            ("size", make_pipeline(StandardScaler()), ["size"]),
        ],
        remainder="passthrough",
    )
    truth = np.isin(texts, _SPAM) ^ (sizes > 6) ^ (shares > 0.9)
    model = make_pipeline(columns, RandomForestClassifier(10, random_state=1)).fit(table, truth)
    rows = {name: table[name].to_numpy().astype(object).reshape(-1, 1) for name in ("text", "kind")}
    rows["code"] = codes.reshape(-1, 1)
    rows |= {name: table[name].to_numpy(np.float32).reshape(-1, 1) for name in ("size", "share")}
    return replace(_saved(model, folder, "joblib"), rows=rows, score=accuracy(truth))


def sklearn_scaled_tree(folder: Path) -> Made:
    """Thresholds that lie on training values, behind a scaler: a last bit decides."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeRegressor

    random = np.random.default_rng(0)
    rows = random.normal(3, 10, (3000, 8)).astype(np.float32)
    truth = random.random(3000)
    model = make_pipeline(StandardScaler(), DecisionTreeRegressor(random_state=1)).fit(rows.astype(np.float64), truth)
    return replace(_saved(model, folder, "pickle"), rows={"input": rows}, score=r2(truth, "variable"))


def _words(way: str = "joblib") -> Make:
    """A table of words alone, encoded."""

    def make(folder: Path) -> Made:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder

        random = np.random.default_rng(7)
        rows = np.stack([random.choice(["rot", "grün"], 300), random.choice(["klein", "groß"], 300)], 1).astype(object)
        truth = (rows[:, 0] == "rot") & (rows[:, 1] == "groß")
        model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit(rows, truth.astype(int))
        return replace(_saved(model, folder, way), rows={"input": rows}, score=accuracy(truth.astype(int)))

    return make


def _in_pipeline(library: str, names: Any = None) -> Make:
    """A booster's class behind a scaler, pickled."""

    def make(folder: Path) -> Made:
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        rows, truth, tried, answers = _halves(*_cancer())
        if names is not None:
            truth, answers = np.array(names)[truth], np.array(names)[answers]
        if library == "xgboost":
            from xgboost import XGBClassifier as Classifier
        else:
            from lightgbm import LGBMClassifier as Classifier
        model = make_pipeline(StandardScaler(), Classifier(n_estimators=ROUNDS, n_jobs=1)).fit(rows, truth)
        return replace(_saved(model, folder, "pickle"), rows={"input": tried}, score=accuracy(answers))

    return make


def _wrapped(library: str, names: Any = None, way: str = "pickle") -> Make:
    """A booster's class for scikit-learn, pickled."""

    def make(folder: Path) -> Made:
        rows, truth, tried, answers = _halves(*_cancer())
        if names is not None:
            truth, answers = np.array(names)[truth], np.array(names)[answers]
        if library == "xgboost":
            from xgboost import XGBClassifier as Classifier

            options: dict[str, Any] = {"n_estimators": ROUNDS, "n_jobs": 1}
        elif library == "lightgbm":
            from lightgbm import LGBMClassifier as Classifier

            options = {"n_estimators": ROUNDS, "n_jobs": 1, "verbosity": -1}
        else:
            from catboost import CatBoostClassifier as Classifier

            options = {"iterations": ROUNDS, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
        made = _saved(Classifier(**options).fit(rows, truth), folder, way)
        return replace(made, rows={"input": tried}, score=accuracy(answers))

    return make


def _hostile(contents: bytes, name: str = "model.pkl") -> Make:
    def make(folder: Path) -> Made:
        (folder / name).write_bytes(contents)
        return Made("sklearn", (name,))

    return make


def _hostile_skops(folder: Path) -> Made:
    """A file whose schema names a function of Python's own."""
    import json
    import zipfile

    from sklearn.linear_model import Ridge

    made = _saved(Ridge().fit([[0.0], [1.0]], [0, 1]), folder, "skops")
    with zipfile.ZipFile(folder / "model.skops") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members["schema.json"])
    schema |= {"__class__": "system", "__module__": "os", "__loader__": "TypeNode"}
    members["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(folder / "model.skops", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made


def _unfitted(folder: Path) -> Made:
    from sklearn.linear_model import Ridge

    return _saved(Ridge(), folder, "joblib")


def _older(folder: Path) -> Made:
    """As an older scikit-learn saved it."""
    made = MODELS["sklearn_logistic"](folder)
    content = (folder / "model.pkl").read_bytes()
    assert b"1.9.1" in content
    (folder / "model.pkl").write_bytes(content.replace(b"1.9.1", b"1.8.0"))
    return made


def _broken(name: str) -> Make:
    """A file whose middle is overwritten."""

    def make(folder: Path) -> Made:
        made = MODELS[name](folder)
        path = folder / made.files[0]
        content = bytearray(path.read_bytes())
        content[len(content) // 3 : len(content) // 3 + 4000] = b"\x07" * 4000
        path.write_bytes(content)
        return made

    return make


def _no_model(folder: Path) -> Made:
    (folder / "model.pkl").write_bytes(pickle.dumps({"weights": np.arange(3.0)}))
    return Made("pickle", ("model.pkl",))


def _estimators() -> dict[str, Make]:
    from sklearn import (
        calibration,
        cluster,
        decomposition,
        discriminant_analysis,
        ensemble,
        feature_extraction,
        gaussian_process,
        impute,
        linear_model,
        mixture,
        model_selection,
        naive_bayes,
        neighbors,
        neural_network,
        pipeline,
        preprocessing,
        svm,
        tree,
    )

    scaled, text = pipeline.make_pipeline, feature_extraction.text
    scaler, logistic = preprocessing.StandardScaler, linear_model.LogisticRegression
    words = ["malignant", "benign"]
    return {
        "logistic": _sklearn(lambda: logistic(max_iter=3000), _digits, "pickle"),
        "logistic_named": _sklearn(lambda: scaled(scaler(), logistic()), _cancer, "skops", words),
        "logistic_old_pickle": _sklearn(lambda: scaled(scaler(), logistic()), _cancer, "pickle-2"),
        "svc": _sklearn(lambda: scaled(scaler(), svm.SVC()), _cancer, "skops"),
        "svc_multi": _sklearn(lambda: scaled(scaler(), svm.SVC()), _digits, "joblib"),
        "svc_probability": _sklearn(lambda: scaled(scaler(), svm.SVC(probability=True)), _cancer, "joblib"),
        "linear_svc": _sklearn(lambda: scaled(scaler(), svm.LinearSVC()), _digits, "joblib"),
        "svr": _sklearn(lambda: scaled(scaler(), svm.SVR()), _diabetes, "joblib"),
        "mlp": _sklearn(lambda: scaled(scaler(), neural_network.MLPClassifier(max_iter=60, random_state=1)), _digits),
        "mlp_regressor": _sklearn(
            lambda: scaled(scaler(), neural_network.MLPRegressor(max_iter=300, random_state=1)), _diabetes, "pickle"
        ),
        "forest": _sklearn(lambda: ensemble.RandomForestClassifier(20, random_state=1), _digits, "joblib-zlib"),
        "forest_named": _sklearn(
            lambda: ensemble.RandomForestClassifier(20, random_state=1), _cancer, "joblib-gzip", words
        ),
        "forest_scaled": _sklearn(
            lambda: scaled(scaler(), ensemble.RandomForestClassifier(20, random_state=1)), _cancer, "joblib-lzma"
        ),
        "forest_regressor": _sklearn(
            lambda: ensemble.RandomForestRegressor(20, random_state=1), _diabetes, "joblib-xz"
        ),
        "extra_trees": _sklearn(lambda: ensemble.ExtraTreesClassifier(20, random_state=1), _cancer, "joblib-bz2"),
        "boosting": _sklearn(
            lambda: scaled(scaler(), ensemble.GradientBoostingClassifier(n_estimators=20)), _cancer, "skops"
        ),
        "boosting_multi": _sklearn(lambda: ensemble.GradientBoostingClassifier(n_estimators=5), _digits, "pickle"),
        "boosting_regressor": _sklearn(
            lambda: scaled(preprocessing.MinMaxScaler(), ensemble.GradientBoostingRegressor(n_estimators=20)), _diabetes
        ),
        "histogram": _sklearn(lambda: ensemble.HistGradientBoostingClassifier(max_iter=20), _cancer, "skops"),
        "histogram_multi": _sklearn(
            lambda: scaled(preprocessing.RobustScaler(), ensemble.HistGradientBoostingClassifier(max_iter=10)),
            _digits,
            "joblib",
        ),
        "histogram_regressor": _sklearn(
            lambda: ensemble.HistGradientBoostingRegressor(max_iter=20), _diabetes, "joblib"
        ),
        "adaboost": _sklearn(lambda: ensemble.AdaBoostClassifier(n_estimators=10), _cancer, "joblib"),
        "bagging": _sklearn(lambda: ensemble.BaggingClassifier(n_estimators=5, random_state=1), _cancer, "joblib"),
        "tree": _sklearn(lambda: tree.DecisionTreeClassifier(random_state=1), _cancer, "pickle-5"),
        "neighbours": _sklearn(lambda: neighbors.KNeighborsClassifier(), _digits, "joblib"),
        "neighbours_tree": _sklearn(lambda: neighbors.KNeighborsClassifier(algorithm="kd_tree"), _cancer),
        "neighbours_regressor": _sklearn(lambda: neighbors.KNeighborsRegressor(), _diabetes, "joblib"),
        "bayes": _sklearn(lambda: naive_bayes.GaussianNB(), _cancer, "joblib"),
        "discriminant": _sklearn(lambda: discriminant_analysis.LinearDiscriminantAnalysis(), _cancer, "joblib"),
        "ridge": _sklearn(lambda: linear_model.Ridge(), _diabetes, "joblib"),
        "lasso": _sklearn(lambda: linear_model.Lasso(), _diabetes, "joblib"),
        "sgd": _sklearn(lambda: scaled(scaler(), linear_model.SGDClassifier(random_state=1)), _digits, "joblib"),
        "ridge_classifier": _sklearn(lambda: linear_model.RidgeClassifier(), _cancer, "joblib"),
        "search": _sklearn(
            lambda: model_selection.GridSearchCV(scaled(scaler(), logistic()), {"logisticregression__C": [1, 10]}),
            _cancer,
            "pickle",
        ),
        "kernels": _sklearn(
            lambda: gaussian_process.GaussianProcessRegressor(gaussian_process.kernels.RBF(0.1), alpha=0.1), _diabetes
        ),
        "calibrated": _sklearn(
            lambda: calibration.CalibratedClassifierCV(tree.DecisionTreeClassifier(max_depth=3)), _cancer
        ),
        "process": _sklearn(lambda: gaussian_process.GaussianProcessRegressor(alpha=0.1), _diabetes, "joblib"),
        "isolation": _sklearn(lambda: ensemble.IsolationForest(n_estimators=20, random_state=1), _cancer, "joblib"),
        "kmeans": _sklearn(lambda: cluster.KMeans(3, n_init=1, random_state=1), _cancer, "joblib"),
        "mixture": _sklearn(lambda: mixture.GaussianMixture(3, random_state=1), _cancer, "joblib"),
        "pca": _sklearn(lambda: scaled(scaler(), decomposition.PCA(3)), _cancer, "joblib"),
        "voting": _sklearn(
            lambda: ensemble.VotingClassifier(
                [("a", logistic(max_iter=3000)), ("b", naive_bayes.GaussianNB())], voting="soft"
            ),
            _cancer,
            "pickle",
        ),
        "stacking": _sklearn(
            lambda: ensemble.StackingClassifier(
                [("a", scaled(scaler(), logistic())), ("b", tree.DecisionTreeClassifier(max_depth=3))]
            ),
            _cancer,
            "pickle",
        ),
        "text": _text(lambda: scaled(text.TfidfVectorizer(ngram_range=(1, 2)), logistic(C=10))),
        "text_counts": _text(lambda: scaled(text.CountVectorizer(binary=True), naive_bayes.MultinomialNB()), "skops"),
        "text_sublinear": _text(lambda: scaled(text.TfidfVectorizer(sublinear_tf=True), logistic(C=10))),
        "text_stop_words": _text(
            lambda: scaled(text.TfidfVectorizer(stop_words="english", ngram_range=(1, 2)), logistic())
        ),
        "text_letters": _text(lambda: scaled(text.TfidfVectorizer(analyzer="char_wb"), logistic())),
        "mixed_columns": _mixed(frame=False),
        "mixed_frame": _mixed(frame=True),
        "mixed_texts": sklearn_mixed_texts,
        "scaled_tree": sklearn_scaled_tree,
        "tree_missing": _sklearn(lambda: tree.DecisionTreeRegressor(random_state=1), _holed, "pickle"),
        "forest_missing": _sklearn(
            lambda: ensemble.RandomForestClassifier(20, random_state=1), _holed_cancer, "pickle"
        ),
        "imputed": _sklearn(
            lambda: scaled(impute.SimpleImputer(), scaler(), ensemble.HistGradientBoostingClassifier(max_iter=10)),
            _holed_cancer,
            "skops",
        ),
        "forest_targets": _sklearn(lambda: ensemble.RandomForestRegressor(5, random_state=1), _two_targets, "joblib"),
        "words": _words(),
        "pipeline_xgboost": _in_pipeline("xgboost"),
        "pipeline_lightgbm": _in_pipeline("lightgbm", words),
        "wrapped_xgboost": _wrapped("xgboost"),
        "wrapped_lightgbm": _wrapped("lightgbm", words),
        "wrapped_catboost": _wrapped("catboost", words),
        "hostile": _hostile(b"\x80\x02cposix\nsystem\n(X\x04\x00\x00\x00touchtR."),
        "hostile_compressed": _hostile(zlib.compress(b"\x80\x02cposix\nsystem\n(X\x04\x00\x00\x00touchtR.")),
        "hostile_skops": _hostile_skops,
        "foreign": _hostile(b"\x80\x02csklearn.linear_model._base\nIntegral\n."),
        "unfitted": _unfitted,
        "no_model": _no_model,
        "older": _older,
    }


MODELS: dict[str, Make] = {
    **{f"sklearn_{name}": make for name, make in _estimators().items()},
    "xgboost_binary": _xgboost("binary:logistic", _cancer),
    "xgboost_binary_ubj": _xgboost("binary:logistic", _cancer, "ubj"),
    "xgboost_multi": _xgboost("multi:softprob", _digits, num_class=10),
    "xgboost_softmax": _xgboost("multi:softmax", _digits, "ubj", num_class=10),
    "xgboost_logitraw": _xgboost("binary:logitraw", _cancer),
    "xgboost_hinge": _xgboost("binary:hinge", _cancer),
    "xgboost_regression": _xgboost("reg:squarederror", _diabetes),
    "xgboost_forest": _xgboost("reg:squarederror", _diabetes, num_parallel_tree=3, subsample=0.7),
    "xgboost_poisson": _xgboost("count:poisson", _diabetes),
    "xgboost_gamma": _xgboost("reg:gamma", _diabetes),
    "xgboost_tweedie": _xgboost("reg:tweedie", _diabetes),
    "xgboost_absolute": _xgboost("reg:absoluteerror", _diabetes),
    "xgboost_targets": _xgboost("reg:squarederror", _two_targets),
    "xgboost_quantiles": _xgboost("reg:quantileerror", _diabetes, quantile_alpha=[0.1, 0.9]),
    "xgboost_logistic_regression": _xgboost("reg:logistic", _cancer),
    "xgboost_rank": _xgboost("rank:ndcg", _cancer),
    "xgboost_dart": _xgboost("binary:logistic", _cancer, booster="dart", rate_drop=0.3),
    "xgboost_linear": _xgboost("reg:squarederror", _diabetes, booster="gblinear"),
    "xgboost_best_iteration": xgboost_best_iteration,
    "xgboost_categories": xgboost_categories,
    "xgboost_missing": xgboost_missing,
    "xgboost_named": xgboost_named,
    "lightgbm_binary": _lightgbm("binary", _cancer),
    "lightgbm_sigmoid": _lightgbm("binary", _cancer, sigmoid=0.4),
    "lightgbm_multi": _lightgbm("multiclass", _digits, num_class=10),
    "lightgbm_ova": _lightgbm("multiclassova", _digits, num_class=10),
    "lightgbm_regression": _lightgbm("regression", _diabetes),
    "lightgbm_sqrt": _lightgbm("regression", _diabetes, reg_sqrt=True),
    "lightgbm_l1": _lightgbm("regression_l1", _diabetes),
    "lightgbm_poisson": _lightgbm("poisson", _diabetes),
    "lightgbm_cross_entropy": _lightgbm("cross_entropy", _cancer),
    "lightgbm_cross_entropy_lambda": _lightgbm("cross_entropy_lambda", _cancer),
    "lightgbm_rank": _lightgbm("lambdarank", _cancer),
    "lightgbm_forest": _lightgbm("binary", _cancer, boosting="rf", bagging_fraction=0.7, bagging_freq=1),
    "lightgbm_regression_forest": _lightgbm(
        "regression", _diabetes, boosting="rf", bagging_fraction=0.7, bagging_freq=1
    ),
    "lightgbm_dart": _lightgbm("binary", _cancer, boosting="dart"),
    "lightgbm_linear": _lightgbm("regression", _diabetes, linear_tree=True),
    "lightgbm_zero_missing": _lightgbm("regression", _diabetes, zero_as_missing=True),
    "lightgbm_categories": lightgbm_categories,
    "lightgbm_missing": lightgbm_missing,
    "catboost_binary": _catboost("Logloss", _cancer),
    "catboost_ova": _catboost("MultiClassOneVsAll", _digits),
    "catboost_multi": _catboost("MultiClass", _digits),
    "catboost_named": _catboost("Logloss", _cancer, names=["malignant", "benign"]),
    "catboost_missing_least": _catboost("Logloss", _holed_cancer, nan_mode="Min"),
    "catboost_missing_most": _catboost("Logloss", _holed_cancer, nan_mode="Max"),
    "catboost_regression": _catboost("RMSE", _diabetes),
    "catboost_absolute": _catboost("MAE", _diabetes),
    "catboost_poisson": _catboost("Poisson", _diabetes),
    "catboost_categories": catboost_categories,
    "xgboost_broken": _broken("xgboost_binary"),
    "catboost_broken": _broken("catboost_binary"),
}

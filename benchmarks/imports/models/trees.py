"""Models of real data, beside those of tests/converters/models/trees.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.imports.models.data import PACKAGES, mnist_halves, sentences
from tests.converters.models.made import Made, accuracy

ROUNDS = 30


def xgboost_mnist(folder: Path) -> Made:
    import xgboost

    rows, truth, tried, answers = mnist_halves()
    parameters = {"objective": "multi:softprob", "num_class": 10, "max_depth": 6, "nthread": 1, "seed": 1}
    model = xgboost.train(parameters, xgboost.DMatrix(rows, truth, nthread=1), ROUNDS)
    model.save_model(folder / "model.ubj")
    return Made("xgboost-ubj", ("model.ubj",), {"input": tried}, accuracy(answers))


def lightgbm_mnist(folder: Path) -> Made:
    import lightgbm

    rows, truth, tried, answers = mnist_halves()
    parameters = {"objective": "multiclass", "num_class": 10, "num_threads": 1, "seed": 1, "verbosity": -1}
    lightgbm.train(parameters, lightgbm.Dataset(rows, truth), ROUNDS).save_model(folder / "model.txt")
    return Made("lightgbm", ("model.txt",), {"input": tried}, accuracy(answers))


def sklearn_forest_mnist(folder: Path) -> Made:
    import joblib
    from sklearn.ensemble import RandomForestClassifier

    rows, truth, tried, answers = mnist_halves()
    joblib.dump(
        RandomForestClassifier(60, random_state=1).fit(rows, truth), folder / "model.joblib", compress=("zlib", 3)
    )
    return Made("sklearn", ("model.joblib",), {"input": tried}, accuracy(answers))


def sklearn_documents(folder: Path) -> Made:
    import joblib
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    texts, truth = sentences()
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=20)).fit(texts[::2], truth[::2])
    joblib.dump(model, folder / "model.joblib")
    rows = np.array(texts[1::2], object).reshape(-1, 1)
    return Made("sklearn", ("model.joblib",), {"text": rows}, accuracy(truth[1::2]))


def profanity_check(folder: Path) -> Made:
    """The package's two files as one pipeline; of its rows nothing is known but what the package itself answers."""
    import joblib
    from sklearn.pipeline import make_pipeline

    data = PACKAGES / "profanity_check" / "data"
    model = make_pipeline(joblib.load(data / "vectorizer.joblib"), joblib.load(data / "model.joblib"))
    joblib.dump(model, folder / "model.joblib")
    texts = np.array(sentences()[0], object)
    curses = np.array([f"{text} What the hell, you damn idiot" for text in texts[::4]], object)
    rows = np.concatenate([texts, curses])
    return Made("sklearn", ("model.joblib",), {"text": rows.reshape(-1, 1)}, accuracy(model.predict(rows)))


MODELS: dict[str, Callable[..., Made]] = {
    make.__name__: make
    for make in (xgboost_mnist, lightgbm_mnist, sklearn_forest_mnist, sklearn_documents, profanity_check)
}

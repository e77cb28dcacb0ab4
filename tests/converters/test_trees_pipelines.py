"""What users of scikit-learn put together becomes ONNX that answers the same, or is refused with what to do instead."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.converters

CONVERTED = (
    *("neighbours_scaled", "neighbours_weighted", "process_scaled", "means_scaled", "bins", "powers"),
    *("calibrated", "calibrated_isotonic", "stacked_margins", "neighbours_imputed", "histogram_encoded"),
)
#: By model: what is said of it. None of it is to do again what was just tried.
REFUSED = {
    "dbscan": "DBSCAN can't be written as ONNX: it places only the rows that it was fitted on; train a classifier",
    "tsne": "TSNE can't be written as ONNX: it places only the rows that it was fitted on; use PCA",
    "nystroem": "Nystroem can't be written as ONNX: use SVC or SVR with the same kernel",
    "indicator": "SimpleImputer with add_indicator=True can't be written as ONNX: leave the indicator out",
    "stacked_two": "StackingClassifier of two classes over estimators without predict_proba can't be written as ONNX",
    "calibrated_pipeline": "make_pipeline(StandardScaler(), CalibratedClassifierCV(LinearSVC()))",
    "one_versus_rest": "LinearSVC, SGDClassifier and the like tell several classes apart themselves",
    "process_of_three": "GaussianProcessClassifier of more than two classes can't be written as ONNX: use SVC",
    "ordinal_missing": "fill them in before it, with SimpleImputer(strategy='constant', fill_value='none')",
    "labels": "a classifier of several answers can't be written as ONNX: send a model for each of them",
    "boosting_init": "(NotImplementedError: Setting init to an estimator is not supported): train it without what is",
}


@pytest.mark.parametrize("model", CONVERTED)
def test_it_answers_the_same(trees: Any, model: str) -> None:
    answer = trees(family="pipelines", model=model)
    assert "error" not in answer, answer["error"]
    assert "raised" not in answer, answer["raised"]
    assert all(one["within"] for one in answer["replay"]["differences"]), answer["examples"]
    before, after = answer.get("accuracy", (0.0, 0.0))
    assert after == pytest.approx(before, abs=1e-6)


@pytest.mark.parametrize("model", REFUSED)
def test_it_is_refused_with_what_does_work(trees: Any, model: str) -> None:
    error = trees(family="pipelines", model=model)["error"]
    assert error["code"] == "conversion_failed"
    assert REFUSED[model] in error["message"]
    assert error["details"]["remedy"] in error["message"]
    assert "skl2onnx.to_onnx" not in error["message"]
    assert len(error["message"]) < 400


@pytest.mark.parametrize("model", ["histogram_native", "histogram_skops"])
def test_categories_that_boosting_keeps_a_function_for_are_to_be_encoded_and_not_saved_in_another_way(
    trees: Any, model: str
) -> None:
    error = trees(family="pipelines", model=model)["error"]
    assert error["code"] == "unsafe_pickle"
    assert "a function that HistGradientBoosting with categorical_features keeps, and" in error["message"]
    assert "encode the categories as numbers in a step before it (OneHotEncoder or" in error["message"]
    assert "save the model" not in error["message"]


def test_columns_that_are_passed_on_are_tried_where_the_trees_behind_decide(trees: Any) -> None:
    """Else a column around 40,000 would be tried between -3 and 3, and all rows go one way."""
    answer = trees(family="pipelines", model="passed_on")
    assert answer["describes"]["input"]["table"]["columns"][0] == {"name": "income", "missing": "nan"}
    assert answer["replay"]["rows"] > 300
    assert not any("never vary" in note or "were refused" in note for note in answer["notes"])
    assert all(one["within"] for one in answer["replay"]["differences"]), answer["examples"]


def test_a_forest_behind_a_sparse_table_is_asked_for_no_missing_number(trees: Any) -> None:
    answer = trees(family="trees", model="sklearn_mixed_texts")
    assert not any("NaN" in note for note in answer["notes"])
    assert "missing" not in answer["describes"]["input"]["table"]["columns"][4]

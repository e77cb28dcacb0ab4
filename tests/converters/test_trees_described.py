"""What a converted model of a table says of itself, so that rows can be sent as its owner has them."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.converters

CATEGORIES = [
    {"name": "amount"},
    {"name": "color", "values": ["blue", "green", "red"]},
    {"name": "size", "values": ["1", "5", "9"]},
]


def _answer(trees: Any, family: str, model: str) -> dict[str, Any]:
    answer: dict[str, Any] = trees(family=family, model=model)
    assert "error" not in answer, answer["error"]
    assert "raised" not in answer, answer["raised"]
    assert all(one["within"] for one in answer["replay"]["differences"]), answer["examples"]
    return answer


@pytest.mark.parametrize("model", ["xgboost", "xgboost_dart", "lightgbm"])
def test_categories_are_called_as_in_the_data_frame(trees: Any, model: str) -> None:
    answer = _answer(trees, "frames", model)
    assert answer["describes"]["input"]["table"] == {"missing": "nan", "columns": CATEGORIES}
    assert answer["notes"] == []
    before, after = answer["accuracy"]
    assert after == before > 0.9


def test_names_of_categories_that_may_be_another_columns_are_left_out(trees: Any) -> None:
    answer = _answer(trees, "frames", "lightgbm_some")
    assert answer["describes"]["input"]["table"]["columns"] == [{"name": one["name"]} for one in CATEGORIES]
    assert any("are categories, sent as the whole numbers that LightGBM has for them" in one for one in answer["notes"])


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("xgboost", "XGBoost 3.2.0"),
        ("xgboost_dart", "XGBoost 3.2.0"),
        ("lightgbm", "LightGBM (model format v4)"),
        ("catboost", "CatBoost 1.2.10"),
    ],
)
def test_the_framework_is_named_with_the_version_in_the_file(trees: Any, model: str, version: str) -> None:
    assert _answer(trees, "frames", model)["framework"] == version


@pytest.mark.parametrize(
    "model", ["linear_svc", "ridge_classifier", "sgd_hinge", "perceptron", "passive_aggressive", "svc"]
)
def test_margins_are_no_probabilities(trees: Any, model: str) -> None:
    answer = _answer(trees, "pipelines", model)
    assert answer["describes"]["output"] == {"output": "scores", "activation": "none"}


@pytest.mark.parametrize("model", ["histogram_named", "forest_named", "imputed_named"])
def test_a_missing_number_is_taken_where_it_was_replayed(trees: Any, model: str) -> None:
    table = _answer(trees, "pipelines", model)["describes"]["input"]["table"]
    assert table["missing"] == "nan"
    assert table["columns"][0] == {"name": "alcohol"}


def test_a_missing_number_is_not_taken_where_the_original_refuses_it(trees: Any) -> None:
    assert "missing" not in _answer(trees, "pipelines", "logistic_named")["describes"]["input"]["table"]


def test_catboost_takes_missing_numbers(trees: Any) -> None:
    assert _answer(trees, "frames", "catboost")["describes"]["input"]["table"]["missing"] == "nan"


@pytest.mark.parametrize("model", ["texts_imputed", "texts_missing"])
def test_a_missing_text_is_an_empty_one(trees: Any, model: str) -> None:
    answer = _answer(trees, "pipelines", model)
    assert answer["describes"]["input"]["table"]["columns"] == [
        {"name": "age", "missing": "nan"},
        {"name": "town", "missing": ""},
    ]
    before, after = answer["accuracy"]
    assert after == before > 0.9

"""Models of scikit-learn, XGBoost, LightGBM and CatBoost become ONNX that answers the same, or are refused by name."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.converters

LABELS, SCORES = ("label", "probabilities"), ("label", "scores")
#: By model: its outputs. The replay goes through thresholds and their neighbours, missing values, unusual texts.
CONVERTED = {
    **dict.fromkeys(
        (
            *("xgboost_binary", "xgboost_binary_ubj", "xgboost_multi", "xgboost_softmax", "xgboost_hinge"),
            *("xgboost_dart", "xgboost_best_iteration", "xgboost_categories", "xgboost_missing", "xgboost_named"),
            *("lightgbm_binary", "lightgbm_sigmoid", "lightgbm_multi", "lightgbm_ova", "lightgbm_forest"),
            *("lightgbm_dart", "lightgbm_categories", "lightgbm_missing"),
            *("catboost_binary", "catboost_multi", "catboost_ova", "catboost_named"),
            *("catboost_missing_least", "catboost_missing_most"),
            *("sklearn_logistic", "sklearn_logistic_named", "sklearn_logistic_old_pickle", "sklearn_svc_probability"),
            *("sklearn_mlp", "sklearn_forest", "sklearn_forest_named", "sklearn_forest_scaled", "sklearn_extra_trees"),
            *("sklearn_boosting", "sklearn_boosting_multi", "sklearn_histogram", "sklearn_histogram_multi"),
            *("sklearn_adaboost", "sklearn_bagging", "sklearn_tree", "sklearn_neighbours", "sklearn_neighbours_tree"),
            *(
                "sklearn_bayes",
                "sklearn_discriminant",
                "sklearn_search",
                "sklearn_voting",
                "sklearn_stacking",
                "sklearn_mixture",
            ),
            *("sklearn_text", "sklearn_text_counts", "sklearn_text_sublinear", "sklearn_mixed_texts"),
            *("sklearn_calibrated", "sklearn_older"),
            *(
                "sklearn_mixed_columns",
                "sklearn_mixed_frame",
                "sklearn_words",
                "sklearn_imputed",
                "sklearn_forest_missing",
            ),
            *("sklearn_pipeline_xgboost", "sklearn_pipeline_lightgbm"),
            *("sklearn_wrapped_xgboost", "sklearn_wrapped_lightgbm", "sklearn_wrapped_catboost"),
        ),
        LABELS,
    ),
    **dict.fromkeys(
        (
            *("sklearn_svc", "sklearn_svc_multi", "sklearn_linear_svc", "sklearn_sgd", "sklearn_ridge_classifier"),
            *("sklearn_isolation", "sklearn_kmeans"),
        ),
        SCORES,
    ),
    **dict.fromkeys(
        (
            *("xgboost_logitraw", "xgboost_regression", "xgboost_forest", "xgboost_poisson", "xgboost_gamma"),
            *("xgboost_tweedie", "xgboost_absolute", "xgboost_rank", "xgboost_targets", "xgboost_quantiles"),
            "xgboost_logistic_regression",
            *("lightgbm_regression", "lightgbm_sqrt", "lightgbm_l1", "lightgbm_poisson", "lightgbm_cross_entropy"),
            *("lightgbm_cross_entropy_lambda", "lightgbm_rank", "lightgbm_regression_forest"),
            *("catboost_regression", "catboost_absolute", "catboost_poisson"),
            *("sklearn_svr", "sklearn_mlp_regressor", "sklearn_forest_regressor", "sklearn_boosting_regressor"),
            *("sklearn_histogram_regressor", "sklearn_neighbours_regressor", "sklearn_ridge", "sklearn_lasso"),
            *(
                "sklearn_process",
                "sklearn_kernels",
                "sklearn_pca",
                "sklearn_scaled_tree",
                "sklearn_tree_missing",
                "sklearn_forest_targets",
            ),
        ),
        ("variable",),
    ),
}
REFUSED = {
    "xgboost_broken": ("conversion_failed", "XGBoost can't open the file (Check failed: trees_json.size()"),
    "catboost_broken": ("conversion_failed", "can't be opened: CatBoostError"),
    "xgboost_linear": ("conversion_failed", "linear booster gblinear"),
    "lightgbm_linear": ("conversion_failed", "linear trees"),
    "lightgbm_zero_missing": ("conversion_failed", "zeros as missing values"),
    "catboost_categories": ("conversion_failed", "categories, as the columns 1 can't"),
    "sklearn_text_stop_words": ("conversion_failed", "stop words that counts more than single words"),
    "sklearn_text_letters": ("conversion_failed", "counts not words but char_wb"),
    "sklearn_hostile": ("unsafe_pickle", "names posix.system"),
    "sklearn_hostile_compressed": ("unsafe_pickle", "names posix.system"),
    "sklearn_foreign": ("unsafe_pickle", "names sklearn.linear_model._base.Integral"),
    "sklearn_hostile_skops": ("unsafe_pickle", "names "),
    "sklearn_no_model": ("conversion_failed", "holds builtins.dict and no estimator"),
    "sklearn_unfitted": ("conversion_failed", "Ridge, which isn't fitted, can't be written as ONNX"),
}


def test_every_model_is_tried(trees: Any) -> None:
    assert {*CONVERTED, *REFUSED} == {*trees(family="trees", model="*")["models"]}


@pytest.mark.parametrize("model", CONVERTED)
def test_it_answers_the_same(trees: Any, model: str) -> None:
    """Within the tolerance on made-up inputs, and the same accuracy on labelled rows; all for any number of rows."""
    answer = trees(family="trees", model=model)
    assert "error" not in answer, answer["error"]
    assert "raised" not in answer, answer["raised"]
    differences = {one["output"]: one for one in answer["replay"]["differences"]}
    assert all(one["within"] for one in differences.values()), answer["examples"]
    assert tuple(name for name, *_ in answer["outputs"]) == CONVERTED[model] == tuple(differences)
    assert answer["replay"]["rows"] >= 50
    assert {shape[0] for _, _, shape in (*answer["inputs"], *answer["outputs"])} == {"N"}
    if "accuracy" in answer:
        before, after = answer["accuracy"]
        assert after == pytest.approx(before, abs=1e-6)
    assert answer["main"] == "model.onnx"
    assert answer["ir"] <= 10
    assert answer["opset"]["ai.onnx"] <= 20


@pytest.mark.parametrize("model", REFUSED)
def test_what_would_be_wrong_is_refused_with_what_to_do(trees: Any, model: str) -> None:
    answer = trees(family="trees", model=model)
    code, words = REFUSED[model]
    assert answer.get("error", {}).get("code") == code, answer
    assert words in answer["error"]["message"]
    assert code == "unsafe_pickle" or answer["error"]["details"]["remedy"] in answer["error"]["message"]


def test_names_of_labels_and_columns_are_handed_on(trees: Any) -> None:
    assert trees(family="trees", model="catboost_named")["labels"] == ["benign", "malignant"]
    assert trees(family="trees", model="sklearn_wrapped_lightgbm")["labels"] == ["benign", "malignant"]
    named = trees(family="trees", model="xgboost_named")["describes"]["input"]["table"]["columns"]
    assert named[:2] == [{"name": "mean_radius"}, {"name": "mean_texture"}]
    mixed = trees(family="trees", model="sklearn_mixed_frame")
    assert [name for name, *_ in mixed["inputs"]] == ["age", "home town", "income"]


def test_early_stopping_counts_as_the_saving_class_counts_it(trees: Any) -> None:
    answer = trees(family="trees", model="xgboost_best_iteration")
    assert answer["notes"] == ["the first 8 rounds of trees, up to its best iteration"]


def test_what_an_older_version_saved_says_so(trees: Any) -> None:
    answer = trees(family="trees", model="sklearn_older")
    assert answer["framework"] == "scikit-learn 1.8.0"
    assert answer["notes"] == ["saved by scikit-learn 1.8.0 and opened by 1.9.1"]


def test_a_pickle_is_scanned_and_the_verdict_says_by_what(trees: Any) -> None:
    scan = trees(family="trees", model="sklearn_forest")["scan"]
    assert scan.startswith("1 pickle(s) that name only what models need, of joblib, numpy, sklearn; picklescan 1.")
    assert trees(family="trees", model="xgboost_binary")["scan"] is None


def test_a_given_sample_is_replayed(trees: Any) -> None:
    answer = trees(family="trees", model="sklearn_logistic_named", sample="given")
    assert answer["replay"]["samples"] == "given"
    assert "replayed: 285 rows of the sample and " in " ".join(answer["notes"])
    assert all(one["within"] for one in answer["replay"]["differences"])


@pytest.mark.parametrize("model", ["lightgbm_binary", "catboost_multi", "sklearn_mixed_frame", "sklearn_forest_named"])
def test_a_conversion_is_the_same_twice(trees: Any, model: str) -> None:
    first, second = (trees(family="trees", model=model)["sha256"] for _ in range(2))
    assert first == second

"""Metrics beside scikit-learn's, and losses that a broken candidate can't hide behind."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, r2_score, roc_auc_score

from aimass.compression.auc import auc_of
from aimass.compression.data.labels import Labels
from aimass.compression.divergence import divergence_of
from aimass.compression.metrics import Metric, metric_of
from aimass.compression.reading import Reading, reading_of
from aimass.compression.statistics import disagreement, shares_loss
from aimass.domain.description import ClassOutput, Description
from aimass.domain.errors import InvalidArguments
from tests.unit.compression.data.versions import spec, version_of

COLUMNS = Reading("s", "columns")
X = [spec("x", "FP32", -1, 4)]


def _metric(name: str, reading: Reading, outputs: dict[str, Any]) -> Metric:
    return metric_of(name, reading, outputs)


def _value(name: str, reading: Reading, outputs: dict[str, Any], labels: Labels) -> float:
    value = _metric(name, reading, outputs).value
    assert value
    return value(outputs, labels)


def _classes(*values: Any) -> Labels:
    return Labels("classes", np.array(values))


def _case(seed: int, rows: int = 200, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, rows)
    scores = generator.normal(size=(rows, classes)).round(1)
    scores[np.arange(rows), labels] += 1
    return scores, labels


@given(st.integers(0, 10_000), st.integers(3, 5))
def test_values_are_scikit_learns(seed: int, classes: int) -> None:
    scores, wanted = _case(seed, 120, classes)
    outputs, labels = {"s": scores.astype(np.float32)}, Labels("classes", wanted)
    found = scores.astype(np.float32).argmax(axis=1)
    assert _value("accuracy", COLUMNS, outputs, labels) == pytest.approx(accuracy_score(wanted, found))
    assert _value("f1", COLUMNS, outputs, labels) == pytest.approx(f1_score(wanted, found, average="macro"))
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    one_by_one = [roc_auc_score(wanted == one, shares[:, one]) for one in range(classes)]
    assert _value("auc", COLUMNS, {"s": shares}, labels) == pytest.approx(np.mean(one_by_one))


@given(st.integers(0, 10_000))
def test_auc_of_a_resample_is_that_of_its_rows(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores, labels = generator.integers(0, 6, 50) / 5, generator.integers(0, 2, 50)
    area = auc_of(scores[:, None], labels)
    rows = generator.integers(0, 50, 50)
    assert area(rows) == pytest.approx(roc_auc_score(labels[rows], scores[rows]))
    both = np.stack([1 - scores, scores], axis=1)
    assert auc_of(both, labels)(rows) == pytest.approx(roc_auc_score(labels[rows], scores[rows]))


def test_auc_of_frames_counts_frames_and_draws_recordings() -> None:
    generator = np.random.default_rng(1)
    labels = generator.integers(-1, 2, (30, 9))  # -1: a frame without a label
    scores = generator.random((30, 9))
    area = auc_of(scores[..., None], labels)
    assert area(np.arange(30)) == pytest.approx(roc_auc_score(labels[labels >= 0], scores[labels >= 0]))
    assert area(np.array([3, 3])) == pytest.approx(roc_auc_score(labels[3][labels[3] >= 0], scores[3][labels[3] >= 0]))


def test_auc_of_one_class_is_unknown_and_of_many_refused() -> None:
    assert math.isnan(auc_of(np.ones((4, 1)), np.ones(4, int))(np.arange(4)))
    with pytest.raises(InvalidArguments, match="100 classes at most, the model has 500"):
        auc_of(np.ones((4, 500)), np.ones(4, int))
    with pytest.raises(InvalidArguments, match="3 columns of scores and 2 classes in the labels"):
        auc_of(np.ones((2, 3)), np.array(["a", "b"]))


def test_r2_is_scikit_learns() -> None:
    generator = np.random.default_rng(2)
    wanted, found = generator.normal(size=300), generator.normal(size=300)
    value = _value("r2", Reading("s", "numbers"), {"s": (wanted + found / 3).reshape(-1, 1)}, Labels("numbers", wanted))
    assert value == pytest.approx(r2_score(wanted, wanted + found / 3))


def test_accuracy_lost_is_by_the_rows_that_changed() -> None:
    labels = np.zeros(500, int)
    first, second = np.eye(2)[np.zeros(500, int)], np.eye(2)[np.zeros(500, int)]
    first[:3] = second[3:15] = [0, 1]
    loss = _metric("accuracy", COLUMNS, {"s": first}).loss({"s": first}, {"s": second}, Labels("classes", labels), 0.95)
    assert loss == shares_loss(12, 3, 500, 0.95)


def test_agreement_is_by_the_best_column() -> None:
    first, _ = _case(1)
    second = first.copy()
    second[:5] = -second[:5]
    loss = _metric("agreement", COLUMNS, {"s": first}).loss({"s": first}, {"s": second}, None, 0.95)
    differ = int((first.argmax(axis=1) != second.argmax(axis=1)).sum())
    assert loss == disagreement(differ, 200, 0.95)
    assert differ


def test_one_number_a_row_agrees_with_nothing() -> None:
    """Its highest column is always the first."""
    for shape in ((9,), (9, 1), (9, 1, 1)):
        numbers, metric = {"s": np.ones(shape)}, _metric("agreement", Reading("s", "numbers"), {"s": np.ones(shape)})
        with pytest.raises(InvalidArguments, match="agreement is of classes, and the model answers with one number"):
            metric.loss(numbers, {"s": np.zeros(shape)}, None, 0.95)


def test_columns_may_have_dimensions_of_1_behind() -> None:
    first = np.eye(3)[[0, 1, 2, 0]].reshape(4, 3, 1, 1)
    second = np.eye(3)[[0, 1, 2, 1]].reshape(4, 3, 1, 1)
    assert _metric("agreement", COLUMNS, {"s": first}).loss({"s": first}, {"s": second}, None, 0.95).estimate == 0.25
    assert _value("accuracy", COLUMNS, {"s": second}, _classes(0, 1, 2, 0)) == 0.75


def test_several_classes_agree_by_threshold_and_together() -> None:
    reading = Reading("s", "several classes", threshold=0.0)
    first = np.array([[1.0, -1, 2], [1, -1, 2], [-1, -1, -1], [3, 3, 3]])
    second = np.array([[9.0, -9, 1], [1, 1, 2], [-1, -2, -3], [3, -3, 3]])
    metric = _metric("agreement", reading, {"s": first})
    assert metric.loss({"s": first}, {"s": second}, None, 0.95).estimate == 0.5
    labels = _classes([1, 0, 1], [1, 0, 1], [0, 0, 0], [0, 1, 1])
    assert _value("accuracy", reading, {"s": first}, labels) == 0.75
    wanted = f1_score(labels.values, first >= 0, average="macro", zero_division=0)
    assert _value("f1", reading, {"s": first}, labels) == pytest.approx(wanted)


def test_tokens_are_compared_one_by_one_and_rows_drawn() -> None:
    generator = np.random.default_rng(3)
    first = generator.normal(size=(60, 7, 5))
    second = first.copy()
    second[::10] = generator.normal(size=(6, 7, 5))
    labels = Labels("classes", np.where(generator.random((60, 7)) < 0.3, -100, first.argmax(axis=2)))
    share = float((first.argmax(axis=2) != second.argmax(axis=2)).mean())
    agreement = _metric("agreement", COLUMNS, {"s": first}).loss({"s": first}, {"s": second}, None, 0.95)
    assert agreement.estimate == pytest.approx(share)
    assert share < agreement.upper < 0.25
    assert agreement.rows == 60
    counted = labels.values >= 0
    assert _value("accuracy", COLUMNS, {"s": first}, labels) == 1.0
    right = (second.argmax(axis=2) == labels.values)[counted].mean()
    assert _value("accuracy", COLUMNS, {"s": second}, labels) == pytest.approx(right)


def test_tokens_that_all_agree_prove_no_more_than_their_rows() -> None:
    first = np.random.default_rng(3).normal(size=(40, 1_000, 2))
    metric = _metric("agreement", COLUMNS, {"s": first})
    assert metric.loss({"s": first}, {"s": first}, None, 0.95).upper == disagreement(0, 40, 0.95).upper


@pytest.mark.parametrize("name", ["accuracy", "f1", "auc", "agreement", "divergence"])
@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_one_answer_that_is_no_number_is_an_infinite_loss(name: str, broken: float) -> None:
    scores, labels = _case(4)
    second = scores.copy()
    second[17, 2] = broken
    loss = _metric(name, COLUMNS, {"s": scores}).loss({"s": scores}, {"s": second}, Labels("classes", labels), 0.95)
    assert loss.upper == loss.estimate == math.inf


def test_what_the_original_answers_without_number_may_be_answered_so() -> None:
    scores, labels = _case(4)
    scores[:, 3] = -math.inf
    metric = _metric("divergence", COLUMNS, {"s": scores})
    loss = metric.loss({"s": scores}, {"s": scores.copy()}, Labels("classes", labels), 0.95)
    assert (loss.estimate, loss.upper) == (0, disagreement(0, 200, 0.95).upper)


@pytest.mark.parametrize("candidate", [{}, {"s": np.zeros((199, 4))}, {"s": np.zeros((200, 5))}])
def test_answers_of_another_shape_are_an_infinite_loss(candidate: dict[str, Any]) -> None:
    scores, _ = _case(5)
    assert _metric("agreement", COLUMNS, {"s": scores}).loss({"s": scores}, candidate, None, 0.95).upper == math.inf


def test_divergence_is_by_the_size_of_the_row() -> None:
    first = np.array([[3.0, 4.0], [30.0, 40.0], [0.0, 0.0]])
    found = divergence_of({"s": first}, {"s": first * 1.1})
    np.testing.assert_allclose(found, [0.1, 0.1, 0], atol=1e-12)
    assert divergence_of({"s": first}, {"s": first + np.array([[0, 0], [0, 0], [1e-3, 0]])})[2] < 1e-3
    assert divergence_of({"s": np.zeros((2, 2))}, {"s": np.array([[0, 0], [0, 1e-9]])}).tolist() == [0, math.inf]


def test_divergence_is_the_worst_outputs_and_states_have_no_rows() -> None:
    first = {"a": np.ones((3, 2)), "b": np.ones((3, 5)), "state": np.ones((1, 9))}
    second = {"a": np.ones((3, 2)) * 1.5, "b": np.ones((3, 5)), "state": np.zeros((1, 9))}
    assert divergence_of(first, second).tolist() == [0.5] * 3


def test_zipmaps_and_labels_are_read_together() -> None:
    version = version_of(
        X, [spec("label", "BYTES", -1), spec("p", "BYTES", -1, onnx_type="seq(map(string,tensor(float)))")]
    )
    labels = _classes("cat", "ox", "ox", "cat")
    reading = reading_of(version, labels)
    maps = [{"cat": 0.9, "ox": 0.1}, {"cat": 0.2, "ox": 0.8}, {"cat": 0.6, "ox": 0.4}, {"cat": 0.7, "ox": 0.3}]
    outputs = {"label": np.array(["cat", "ox", "cat", "cat"], object), "p": maps}
    assert _value("accuracy", reading, outputs, labels) == 0.75
    assert _value("auc", reading, outputs, labels) == 1.0
    other = {"label": outputs["label"], "p": [{"cat": math.nan, "ox": 0.1}, *maps[1:]]}
    assert _metric("auc", reading, outputs).loss(outputs, other, labels, 0.95).upper == math.inf


@pytest.mark.parametrize(
    ("outputs", "description", "labels", "wanted"),
    [
        ([spec("s", "FP32", -1, 3)], None, _classes(0, 2), Reading("s", "columns")),
        ([spec("s", "FP32", -1, 3, 1, 1)], None, _classes(0, 2), Reading("s", "columns")),
        ([spec("s", "FP32", -1, 1)], None, _classes(0, 1), Reading("s", "one column")),
        ([spec("s", "FP32", -1)], None, _classes(0, 1), Reading("s", "one column")),
        ([spec("s", "FP32", -1, 1)], None, Labels("numbers", np.ones(2)), Reading("s", "numbers", single=True)),
        ([spec("s", "FP32", -1, 7, 3)], None, _classes([0, 1], [1, 1]), Reading("s", "columns")),
        ([spec("s", "FP32", -1, 1)], None, None, Reading("s", "numbers", single=True)),
        ([spec("s", "FP32", -1, 3)], None, None, Reading("s", "columns")),
        ([spec("s", "FP32", -1, 8, 384)], None, None, Reading("s", "numbers")),
        ([spec("l", "INT64", -1), spec("s", "FP32", -1, 3)], None, None, Reading("l", "labels", scores="s")),
        (
            [spec("h", "FP32", -1, 9), spec("s", "FP32", -1, 3)],
            Description(classes=ClassOutput("s", "softmax")),
            None,
            Reading("s", "columns"),
        ),
        (
            [spec("s", "FP32", -1, 3)],
            Description(classes=ClassOutput("s", "sigmoid", threshold=0.5)),
            None,
            Reading("s", "several classes", threshold=0.0),
        ),
        (
            [spec("s", "FP32", -1, 1)],
            Description(classes=ClassOutput("s", "sigmoid")),
            _classes(0, 1),
            Reading("s", "one column", threshold=0.0),
        ),
        (
            [spec("h", "FP32", -1, 9), spec("s", "FP32", -1, 2)],
            Description(labels=("no", "yes")),
            None,
            Reading("s", "columns", ("no", "yes")),
        ),
    ],
)
def test_an_output_is_read_by_what_is_known_of_it(
    outputs: list[Any], description: Description | None, labels: Labels | None, wanted: Reading
) -> None:
    assert reading_of(version_of(X, outputs, description), labels) == wanted


def test_scores_beyond_0_to_1_at_import_are_no_classifiers() -> None:
    outputs = [spec("embedding", "FP32", -1, 384)]
    assert not reading_of(version_of(X, outputs, raw_scores=("embedding",)), None).classifies


def test_frames_of_whole_calls_are_one_column_each() -> None:
    version = version_of([spec("x", "FP32", -1, 576)], [spec("speech", "FP32", -1)])
    labels = _classes([0, 1, 1], [0, 0, 1])
    reading = reading_of(version, labels, whole=True)
    outputs = {"speech": np.array([[0.1, 0.7, 0.9], [0.2, 0.6, 0.4]])}
    assert reading.kind == "one column"
    assert _value("accuracy", reading, outputs, labels) == pytest.approx(4 / 6)
    assert _value("auc", reading, outputs, labels) == pytest.approx(
        roc_auc_score([0, 1, 1, 0, 0, 1], outputs["speech"].ravel())
    )


def test_one_column_of_logits_is_read_at_zero() -> None:
    reading, logits = Reading("s", "one column"), {"s": np.array([[-2.0], [0.3], [4.0]])}
    assert _value("accuracy", reading, logits, _classes(0, 1, 1)) == 1.0
    shares = {"s": np.array([[0.2], [0.3], [0.9]])}
    assert _value("accuracy", reading, shares, _classes(0, 1, 1)) == pytest.approx(2 / 3)


def test_words_for_labels_want_names_of_columns() -> None:
    version = version_of(X, [spec("s", "FP32", -1, 3)])
    with pytest.raises(InvalidArguments, match="labels are words, such as 'cat', and the version has no class names"):
        reading_of(version, _classes("cat", "ox"))


def test_labels_of_another_shape_are_refused() -> None:
    with pytest.raises(InvalidArguments, match=r"the model answers \[3\], and the labels are \[3, 2\]"):
        _value("accuracy", COLUMNS, {"s": np.ones((3, 4))}, _classes([0, 1], [1, 0], [1, 1]))


def test_bounds_lie_above_losses_and_nothing_lost_is_nothing() -> None:
    scores, labels = _case(6, 400, 3)
    worse = scores + np.random.default_rng(7).normal(size=scores.shape) * 0.4
    for name in ("f1", "auc"):
        metric = _metric(name, COLUMNS, {"s": scores})
        loss = metric.loss({"s": scores}, {"s": worse}, Labels("classes", labels), 0.95)
        before, after = (_value(name, COLUMNS, {"s": one}, Labels("classes", labels)) for one in (scores, worse))
        assert loss.estimate == pytest.approx(before - after)
        assert loss.lower < loss.estimate < loss.upper
        assert metric.loss({"s": scores}, {"s": scores}, Labels("classes", labels), 0.95).estimate == 0


def test_the_same_answers_prove_no_more_than_their_rows() -> None:
    scores, labels = _case(8)
    counts = np.bincount(labels)
    costs = {"f1": 1 / counts.min() / 4, "auc": (1 / counts.min() + 3 / (200 - counts.max())) / 4}
    for name, cost in costs.items():
        metric = _metric(name, COLUMNS, {"s": scores})
        loss = metric.loss({"s": scores}, {"s": scores * 2}, Labels("classes", labels), 0.95)
        assert (loss.estimate, loss.upper) == (0, pytest.approx(-math.log(0.05) * cost))


def test_no_draw_of_a_rare_class_promises_more_f1_than_its_rows_show() -> None:
    """Of a class with 4 rows of 400, a candidate misses 4 in 10: by chance none of those that are there."""
    generator = np.random.default_rng(3)
    for _ in range(10):
        labels = generator.integers(0, 4, 400)
        rare = generator.permutation(400)[:4]
        labels[rare] = 4
        after = labels.copy()
        after[rare[generator.random(4) < 0.4]] = 0
        first, second = {"s": np.eye(5)[labels]}, {"s": np.eye(5)[after]}
        assert _metric("f1", COLUMNS, first).loss(first, second, _classes(*labels), 0.95).upper > 0.1


@pytest.mark.parametrize("name", ["divergence", "r2"])
def test_a_row_in_a_hundred_that_is_all_wrong_is_reckoned_with_though_none_is_there(name: str) -> None:
    generator = np.random.default_rng(4)
    truth = generator.normal(size=(100, 1))
    first, second = {"s": truth}, {"s": truth * 1.003}
    loss = _metric(name, Reading("s", "numbers"), first).loss(first, second, Labels("numbers", truth[:, 0]), 0.95)
    assert loss.estimate < 0.0031
    assert loss.upper >= disagreement(0, 100).upper


def test_tokens_of_a_row_are_one_witness() -> None:
    scores = np.random.default_rng(5).normal(size=(200, 30, 3))
    second = scores.copy()
    second[0] = -second[0]
    first, other = {"s": scores}, {"s": second}
    loss = _metric("agreement", COLUMNS, first).loss(first, other, None, 0.95)
    assert loss.estimate == pytest.approx(1 / 200)
    assert loss.upper > disagreement(1, 200).upper

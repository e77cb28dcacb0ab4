"""Classify and regress, and predict with what only a description turns into tensors."""

import base64
import json
import re

import numpy as np
import pytest

from aimass.domain.description import ClassOutput, Description
from tests.unit.inference.models import classifier, echo, scaled, sequence, two_columns
from tests.unit.inference.plane import Caller, predictor
from tests.unit.protocols.described_models import described_shelf, picture

IRIS = [5.1, 3.5, 1.4, 0.2]
FEATURES = {"sepal length": 5.1, "sepal width": 3.5, "petal length": 1.4, "petal width": 0.2}


@pytest.fixture(scope="module")
def post(tmp_path_factory):
    shelf = described_shelf()
    shelf.add("zipmap", classifier(zipmap=True))
    shelf.add("logits", scaled(columns=2), labels=("ham", "spam"))
    top = Description(("ham", "spam"), classes=ClassOutput("y", "softmax", top_k=1, threshold=0.5))
    shelf.add("top", scaled(columns=2), description=top)
    shelf.add("column", scaled(columns=1))
    shelf.add("vector", echo("FP32", shape=["n"]))
    shelf.add("halves", echo("BF16", shape=["n"]))
    shelf.add("wide", scaled())
    shelf.add("two", two_columns())
    shelf.add("sequence", sequence())
    caller = Caller(predictor(shelf, tmp_path_factory.mktemp("examples")))

    def call(path, body):
        answer = caller.call("POST", f"/v1/models/{path}", json.dumps(body).encode())
        assert not caller.faults
        return answer.status, json.loads(answer.body)

    return call


def results(found):
    assert found[0] == 200, found
    assert found[1].keys() == {"results"}
    return found[1]["results"]


def test_classify_gives_label_and_score_pairs_for_each_example(post):
    found = results(post("iris:classify", {"examples": [{"X": IRIS}, {"X": [6.7, 3.1, 5.6, 2.4]}]}))
    assert [[label for label, _ in row] for row in found] == [["0", "1", "2"]] * 2
    assert [max(row, key=lambda pair: pair[1])[0] for row in found] == ["0", "2"]
    assert sum(score for _, score in found[0]) == pytest.approx(1)


def test_classify_reads_zipmaps_maps(post):
    (row,) = results(post("zipmap:classify", {"signature_name": "serving_default", "examples": [{"X": IRIS}]}))
    assert [label for label, _ in row] == ["0", "1", "2"]


def test_logits_are_scores_too(post):
    assert results(post("logits:classify", {"examples": [{"x": [3, -1]}]})) == [[["ham", 6.0], ["spam", -2.0]]]


def test_a_described_classifier_has_its_activation_and_all_of_its_classes(post):
    (row,) = results(post("top:classify", {"examples": [{"x": [1, 0]}]}))
    ham = pytest.approx(1 / (1 + np.exp(-2)))
    assert row == [["ham", ham], ["spam", pytest.approx(1 / (1 + np.exp(2)))]]


def test_examples_name_the_columns_of_a_described_table(post):
    (row,) = results(post("flowers:classify", {"examples": [FEATURES]}))
    assert row[0][0] == "setosa"
    by_context = {"context": {"sepal length": 5.1, "sepal width": 0}, "examples": [FEATURES | {"sepal length": 5.1}]}
    assert results(post("flowers:classify", by_context)) == [row]


def test_what_all_examples_share_stands_in_the_context(post):
    found = post("vector:regress", {"context": {"x_FP32": 2.5}, "examples": [{}, {"x_FP32": [4]}]})
    assert results(found) == [2.5, 4.0]


def test_a_picture_is_classified_by_its_description(post):
    encoded = {"b64": base64.b64encode(picture("red")).decode()}
    (row,) = results(post("colors:classify", {"examples": [{"image": encoded}]}))
    assert row[0][0] == "red"


@pytest.mark.parametrize(("name", "example"), [("column", {"x": 1.5}), ("column", {"x": [1.5]})])
def test_regress_gives_one_number_an_example(post, name, example):
    assert results(post(f"{name}:regress", {"examples": [example, {"x": [-0.5]}]})) == [3.0, -1.0]


def test_regress_knows_bfloat16_and_what_is_no_number(post):
    assert results(post("halves:regress", {"examples": [{"x_BF16": 0.5}, {"x_BF16": [-3]}]})) == [0.5, -3.0]
    (nan,) = results(post("vector:regress", {"examples": [{"x_FP32": float("nan")}]}))
    assert np.isnan(nan)


@pytest.mark.parametrize(
    ("path", "body", "what"),
    [
        (
            "wide:classify",
            {"examples": [{"x": IRIS}]},
            "does not answer scores of classes for each example but 'y' FP32",
        ),
        ("wide:regress", {"examples": [{"x": IRIS}]}, "does not answer one number for each example"),
        ("two:regress", {"examples": [{"age": 1, "visits": 1}]}, "use :predict"),
        ("wide:classify", {"instances": [IRIS]}, "unknown keys: instances"),
        ("wide:classify", {}, "examples must be a list of at least one object"),
        ("wide:classify", {"examples": []}, "examples must be a list of at least one object"),
        ("wide:classify", {"examples": [IRIS]}, "examples must be a list of at least one object"),
        ("wide:classify", {"examples": [{"x": IRIS}], "context": 5}, "context must be an object"),
        ("zipmap:classify", {"signature_name": "tpu", "examples": [{"X": IRIS}]}, 'no signature "tpu"'),
        ("column:regress", {"signature_name": "tpu", "examples": [{"x": 1}]}, "has 'serving_default' alone"),
        ("wide:classify", [], "must be a JSON object with 'examples'"),
        ("wide:classify", {"examples": [{"z": IRIS}]}, "input 'z': unknown input"),
        ("wide:classify", {"examples": [{"x": IRIS}, {"x": [1]}]}, "input 'x': ragged lists"),
        ("wide:classify", {"examples": [{"x": [1, 2]}]}, "input 'x': wants FP32 of shape [-1, 4], got shape [1, 2]"),
        ("flowers:classify", {"examples": [{"sepal": 1}]}, "sepal"),
        ("colors:classify", {"examples": [{"image": {"b64": "?"}}]}, "b64 is not base64"),
        ("colors:classify", {"examples": [{"image": {"b64": "AAAA"}}]}, "picture"),
    ],
)
def test_what_cannot_be_answered_is_refused_as_a_string(post, path, body, what):
    status, answer = post(path, body)
    assert status == 400
    assert answer.keys() == {"error"}
    assert what in answer["error"]


def test_an_unknown_model_is_not_found(post):
    assert post("nope:classify", {"examples": [{}]})[0] == 404


@pytest.mark.parametrize("name", ["x", "image", None])
@pytest.mark.parametrize("form", ["instances", "inputs"])
def test_predict_takes_pictures_of_a_described_model_and_answers_its_tensors(post, form, name):
    encoded = [{"b64": base64.b64encode(picture(color)).decode()} for color in ("#ff0000", "#0000ff")]
    sent = encoded if name is None else ([{name: one} for one in encoded] if form == "instances" else {name: encoded})
    status, answer = post("colors:predict", {form: sent})
    assert status == 200, answer
    (scores,) = answer.values()
    assert np.argmax(scores, axis=1).tolist() == [0, 2]


def test_one_picture_is_a_column_of_one(post):
    encoded = {"b64": base64.b64encode(picture("#00ff00")).decode()}
    for sent in (encoded, {"image": encoded}):
        assert np.argmax(post("colors:predict", {"inputs": sent})[1]["outputs"], axis=1).tolist() == [1]


def test_predict_takes_the_rows_and_columns_of_a_described_table(post):
    rows = {"instances": [{"Age": 30, "Visits": 2}, {"Age": None, "Visits": 3}]}
    expected = [{"total": [32.0], "seen": [2]}, {"total": [43.0], "seen": [3]}]
    assert post("people:predict", rows) == (200, {"predictions": expected})
    columns = {"inputs": {"Age": [30, None], "Visits": [2, 3]}}
    assert post("people:predict", columns) == (200, {"outputs": {"total": [[32.0], [43.0]], "seen": [[2], [3]]}})


def test_a_cell_that_is_a_list_is_named_with_its_row(post):
    status, answer = post("people:predict", {"instances": [{"Age": 30, "Visits": 2}, {"Age": [30], "Visits": 3}]})
    assert status == 400
    assert re.match(r"row 1\b.*column 'Age'.*got \[30\]", answer["error"])


def test_predict_still_takes_the_tensors_of_a_described_model(post):
    tensors = {"instances": [{"age": [30], "visits": [2]}]}
    assert post("people:predict", tensors) == (200, {"predictions": [{"total": [32.0], "seen": [2]}]})
    assert post("colors:predict", {"instances": np.zeros((1, 3, 8, 8)).tolist()})[0] == 200


@pytest.mark.parametrize("form", ["instances", "inputs"])
def test_predict_takes_the_texts_of_a_described_model(post, form):
    for sent in (
        ["good day", "bad"],
        [{"text": "good day"}, {"text": "bad"}] if form == "instances" else {"text": ["good day", "bad"]},
    ):
        status, answer = post("words:predict", {form: sent})
        assert status == 200, answer
        (found,) = answer.values()
        lengths = [row["y"] for row in found] if form == "instances" else found["y"]
        assert lengths == [[2], [1]]


def test_a_model_of_several_outputs_neither_regresses_nor_classifies(post):
    assert post("words:regress", {"examples": [{"text": "good day"}]})[0] == 400
    assert post("words:classify", {"examples": [{"text": "good day"}]})[1]["error"].startswith("this model does not")

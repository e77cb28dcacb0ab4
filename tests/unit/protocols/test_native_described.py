"""Pictures, texts and table rows in JSON: described inputs give described outputs, tensors give tensors."""

import base64

import pytest

from tests.unit.protocols.described_models import BLUE, COLORS, GREEN, IRIS, RED
from tests.unit.protocols.native_caller import prediction, refusal

SETOSA, VIRGINICA = [5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]


def b64(data):
    return base64.b64encode(data).decode()


def best(rows):
    return [row[0]["label"] for row in rows]


@pytest.mark.parametrize(
    "data",
    [
        b64(RED),
        "data:image/png;base64," + b64(RED),
        {"b64": b64(RED)},
        "\n".join(b64(RED)[at : at + 76] for at in range(0, len(b64(RED)), 76)),
    ],
)
def test_one_picture_answers_its_labels_best_first(native, data):
    row = prediction(native.json("colors", data, "image"))
    assert row[0]["label"] == "red"
    assert {one["label"] for one in row} == set(COLORS)
    assert sum(one["probability"] for one in row) == pytest.approx(1, abs=1e-5)
    assert row[0]["probability"] > 0.99


def test_several_pictures_answer_a_list_each_and_a_list_of_one_too(native):
    sent = [b64(BLUE), {"b64": b64(GREEN)}, b64(RED)]
    assert best(prediction(native.json("colors", sent, "image"))) == ["blue", "green", "red"]
    assert best(prediction(native.json("colors", sent[:1], "image"))) == ["blue"]


def test_the_descriptions_top_k_holds(native):
    assert [one["label"] for one in prediction(native.json("best", b64(GREEN), "image"))] == ["green"]


def test_pictures_of_a_version_without_classes_answer_its_outputs(native):
    assert prediction(native.json("scores", b64(RED), "image")) == [pytest.approx([10, 0, 0])]


def test_tensors_of_a_described_version_answer_tensors_and_labels_beside_them(native):
    status, body = native.json("flowers", [SETOSA], "numpy array")
    assert status == 200
    assert body["labels"] == ["setosa"]
    assert body["prediction"].keys() == {"label", "probabilities"}


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        ("%%%", "picture 0 is not base64"),
        ([b64(RED), 7], "picture 1 must be base64 text, a data URL"),
        ({"base64": "x"}, "picture 0 must be"),
        ("data:image/png,%89PNG", "picture 0 is a data URL that is not in base64"),
    ],
)
def test_what_is_no_base64_is_said_of_the_picture(native, data, wrong):
    assert wrong in refusal(native.json("colors", data, "image"))["data"]


def test_a_broken_picture_is_named(native):
    assert "picture 1" in refusal(native.json("colors", [b64(RED), b64(RED[:40])], "image"))


@pytest.mark.parametrize(("input_format", "data"), [("image", b64(RED)), ("text", "good day")])
def test_a_version_that_says_nothing_of_such_inputs_tells_what_it_takes(native, input_format, data):
    status, body = native.json("plain", data, input_format)
    assert status == 400
    assert "'x' FP32 [-1, 3, 8, 8]" in body["error"]


@pytest.mark.parametrize("input_format", ["image", "text"])
def test_an_empty_list_of_media_is_refused(native, input_format):
    model = {"image": "colors", "text": "words"}[input_format]
    assert refusal(native.json(model, [], input_format)) == {"data": "empty"}


def test_texts_go_through_the_tokenizer(native):
    answer = prediction(native.json("words", ["good day", "bad"], "text"))
    assert answer == {"y": [[2], [1]], "same": [[2, 4], [3, answer["same"][1][1]]]}
    assert prediction(native.json("words", "good day good", "text"))["y"] == [[3]]


@pytest.mark.parametrize("model", ["loud", "described-loud"])
def test_strings_pass_through_to_a_model_of_one_string_input(native, model):
    assert prediction(native.json(model, "hey", "text")) == ["hey!"]
    assert prediction(native.json(model, ["a", "ünï", ""], "text")) == ["a!", "ünï!", "!"]


@pytest.mark.parametrize("data", [5, [1], {"text": "x"}, None])
def test_texts_are_strings(native, data):
    assert "must be a string or a list of strings" in refusal(native.json("loud", data, "text"))["data"]


def test_rows_by_the_descriptions_columns(native):
    rows = [dict(zip(IRIS, SETOSA, strict=True)), dict(zip(IRIS, VIRGINICA, strict=True))]
    assert best(prediction(native.json("flowers", rows))) == ["setosa", "virginica"]
    assert prediction(native.json("flowers", rows[1]))[0]["label"] == "virginica"
    assert best(prediction(native.json("flowers", rows[:1]))) == ["setosa"]


def test_a_missing_cell_takes_the_descriptions_value(native):
    assert prediction(native.json("people", [{"Visits": 2}]))["total"] == [[42]]
    assert prediction(native.json("same-names", [{"visits": 2}]))["total"] == [[42]]


def test_an_unknown_column_is_named(native):
    assert "'Hair'" in refusal(native.json("people", [{"Visits": 2, "Hair": "red"}]))["row 0"]


@pytest.mark.parametrize("model", ["people", "undescribed-people", "same-names"])
@pytest.mark.parametrize(
    "data", [[{"age": 30, "visits": 2}], [{"age": [30], "visits": [2]}], {"age": [30], "visits": [2]}]
)
def test_inputs_by_their_own_names_still_do(native, model, data):
    assert prediction(native.json(model, data))["total"] == [[32]]


def test_values_alone_are_tensors_though_there_is_a_table(native):
    assert prediction(native.json("flowers", [SETOSA]))["label"] == [0]

import json

import pytest

ROW = [1.0, 2.0, 3.0, 4.0]
FORMATS = "'numpy array', 'json', 'image', 'text', 'csv'"


@pytest.fixture
def predict(caller):
    def call(model, data, input_format="numpy array", **more):
        body = {"model_name": model, "input_format": input_format, "data": data} | more
        answer = caller.call("POST", "/predict", json.dumps(body).encode())
        assert not caller.faults
        return answer.status, json.loads(answer.body)

    return call


def prediction(answer):
    status, body = answer
    assert status == 200, body
    return body["prediction"]


def test_the_answer_says_what_answered(caller, predict):
    status, body = predict("scaled", [ROW], version=1)
    assert status == 200
    assert body == {"model_name": "scaled", "version": 1, "variant": "original", "prediction": [[2.0, 4.0, 6.0, 8.0]]}


def test_the_model_version_and_variant_are_in_the_headers(caller):
    body = {"model_name": "scaled", "input_format": "json", "data": [ROW], "version": "canary"}
    answer = caller.call("POST", "/predict", json.dumps(body).encode())
    del answer.headers["server-timing"]
    assert answer.headers == {"content-type": "application/json", "x-model-version": "1", "x-model-variant": "original"}
    assert answer.facts == {"model": "scaled", "version": 1, "variant": "original"}


@pytest.mark.parametrize(("version", "factor"), [(1, 2), ("1", 2), ("canary", 2), (None, 4), (2, 4)])
def test_a_version_is_a_number_an_alias_or_the_default(predict, version, factor):
    assert prediction(predict("scaled", [ROW], version=version)) == [[factor * one for one in ROW]]


@pytest.mark.parametrize("data", [[ROW], {"x": [ROW]}])
def test_a_numpy_array_is_nested_lists_or_lists_by_name(predict, data):
    assert prediction(predict("scaled", data, version=1)) == [[2.0, 4.0, 6.0, 8.0]]


@pytest.mark.parametrize(
    "data", [[{"age": 30, "visits": 2}, {"age": 40.5, "visits": 3}], {"age": [30, 40.5], "visits": [[2], [3]]}]
)
def test_json_is_rows_or_columns(predict, data):
    assert prediction(predict("people", data, "json")) == {"total": [[32.0], [43.5]], "seen": [[2], [3]]}


def test_a_scalar_input_goes_with_columns(predict):
    assert prediction(predict("shift", {"x": [1, 2], "k": 10})) == [11.0, 12.0]


def test_several_inputs_need_names(predict):
    status, body = predict("people", [[1, 2]])
    assert (status, body["error"]) == (400, "data must be an object with the inputs 'age', 'visits'")


def test_integers_and_nan_are_exact(caller):
    text = b'{"model_name": "echo-uint64", "input_format": "numpy array", "data": [18446744073709551615]}'
    assert b'"prediction":[18446744073709551615]' in caller.call("POST", "/predict", text).body
    text = b'{"model_name": "echo-fp32", "input_format": "numpy array", "data": [NaN, -Infinity, 0.1]}'
    assert b'"prediction":[NaN, -Infinity, 0.10000000149011612]' in caller.call("POST", "/predict", text).body


def test_structured_inputs_and_outputs_are_natural_json(predict):
    assert prediction(predict("sequence", [[1, 2], [3]])) == {"joined": [1.0, 2.0, 3.0], "same": [[1.0, 2.0], [3.0]]}
    assert prediction(predict("optional", {})) == {"there": False, "same": None}
    assert prediction(predict("optional", {"o": [1]})) == {"there": True, "same": [1.0]}
    assert prediction(predict("dictionary", {"m": {"7": 3, "1": 2}})) == [[2.0, 0.0, 3.0]]


def test_a_classifier_answers_labels_probabilities_and_classes(predict):
    flowers = [[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]]
    status, body = predict("iris", flowers)
    assert status == 200
    assert body["labels"] == [0, 2]
    assert [max(row) == row[label] for row, label in zip(body["probabilities"], body["labels"], strict=True)] == [
        True,
        True,
    ]
    assert "classes" not in body


def test_zipmaps_maps_are_kept_and_also_given_as_a_matrix(predict):
    status, body = predict("zipmap", [[5.1, 3.5, 1.4, 0.2]])
    assert status == 200
    assert (body["labels"], body["classes"]) == ([0], [0, 1, 2])
    (chances,) = body["prediction"]["output_probability"]
    assert body["probabilities"] == [pytest.approx([chances["0"], chances["1"], chances["2"]], rel=1e-6)]


def test_a_version_with_labels_answers_the_highest(predict):
    status, body = predict("labelled", [[0.5, 0.0], [0.125, 0.375]])
    assert status == 200
    assert body["labels"] == ["ham", "spam"]
    assert body["classes"] == ["ham", "spam"]
    assert body["probabilities"] == [[1.0, 0.0], [0.25, 0.75]]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"model_name": "missing", "input_format": "missing", "data": "missing"}),
        ({"input_format": "json", "data": []}, {"model_name": "missing"}),
        (
            {"model_name": "m", "input_format": "smell", "data": []},
            {"input_format": f'must be one of {FORMATS}, got "smell"'},
        ),
        (
            {"model_name": 5, "input_format": ["json"], "data": [], "version": True, "verison": 1},
            {
                "model_name": "must be a string",
                "input_format": f'must be one of {FORMATS}, got ["json"]',
                "version": "must be a number, an alias's name or null",
                "verison": "unknown argument",
            },
        ),
        (
            {"model_name": "m", "input_format": "json", "data": [], "compress": 8},
            {"compress": "must be a variant's name or null, got 8"},
        ),
        ([], {"body": "must be a JSON object"}),
        (
            {"model_name": "scaled", "input_format": "json", "data": 5},
            {"data": "must be a list of rows or an object of columns"},
        ),
    ],
)
def test_every_argument_that_is_wrong_is_named(caller, body, fields):
    answer = caller.call("POST", "/predict", json.dumps(body).encode())
    assert answer.status == 400
    told = json.loads(answer.body)
    said = told.pop("error").removeprefix("invalid arguments: ")
    assert sorted(said.split("; ")) == sorted(f"{name}: {what}" for name, what in fields.items())
    assert told == {
        "code": "invalid_arguments",
        "details": {"fields": fields},
        "request_id": "request-1",
    }


def test_an_unknown_variant_is_refused_and_those_that_exist_are_named(predict):
    status, body = predict("scaled", [ROW], version=1, compress="int8")
    assert (status, body["code"]) == (400, "invalid_arguments")
    assert 'no variant "int8"' in body["details"]["fields"]["compress"]
    assert "'original'" in body["details"]["fields"]["compress"]


@pytest.mark.parametrize(("model", "data"), [("scaled", []), ("echo-fp32", []), ("echo-fp32", {"x_FP32": []})])
@pytest.mark.parametrize("input_format", ["numpy array", "json"])
def test_no_rows_are_an_empty_answer(predict, model, data, input_format):
    assert prediction(predict(model, data, input_format)) == []


@pytest.mark.parametrize("compress", [None, "original"])
def test_the_original_may_be_asked_for(predict, compress):
    assert predict("scaled", [ROW], compress=compress)[0] == 200


@pytest.mark.parametrize(
    ("model", "more", "status", "code"),
    [
        ("nope", {}, 404, "model_not_found"),
        ("scaled", {"version": 9}, 404, "version_not_found"),
        ("scaled", {"version": "nope"}, 404, "alias_not_found"),
        ("coming", {"version": 1}, 409, "version_not_ready"),
        ("broken", {}, 409, "version_not_ready"),
        ("scaled", {"data": [[1, 2]]}, 400, "invalid_arguments"),
        ("shift", {"data": {"x": [1, 2], "k": [1, 2, 3]}}, 400, "prediction_failed"),
    ],
)
def test_each_refusal_has_its_status_and_code(predict, model, more, status, code):
    got, body = predict(model, **{"data": [ROW]} | more)
    assert (got, body["code"]) == (status, code)
    assert body.keys() == {"error", "code", "details", "request_id"}

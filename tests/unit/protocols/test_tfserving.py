import base64
import json

import pytest

from tests.unit.inference.models import scaled
from tests.unit.inference.plane import Caller, Shelf, predictor

ROW = [1.0, 2.0, 3.0, 4.0]


@pytest.fixture
def post(caller):
    def call(path, body):
        answer = caller.call("POST", path, body if isinstance(body, bytes) else json.dumps(body).encode())
        assert not caller.faults
        return answer.status, json.loads(answer.body)

    return call


@pytest.mark.parametrize(
    ("path", "factor"),
    [
        ("/v1/models/scaled:predict", 4),
        ("/v1/models/scaled/versions/1:predict", 2),
        ("/v1/models/scaled/labels/canary:predict", 2),
    ],
)
def test_a_model_a_version_and_a_label(post, path, factor):
    expected = [[factor * one for one in ROW]]
    assert post(path, {"signature_name": "serving_default", "instances": [ROW]}) == (200, {"predictions": expected})
    assert post(path, {"instances": [{"x": ROW}]}) == (200, {"predictions": expected})
    assert post(path, {"inputs": [ROW]}) == (200, {"outputs": expected})
    assert post(path, {"inputs": {"x": [ROW]}}) == (200, {"outputs": expected})


def test_several_outputs_are_rows_for_instances_and_columns_for_inputs(post):
    rows = {"instances": [{"age": [30], "visits": [2]}, {"age": [40.5], "visits": [3]}]}
    assert post("/v1/models/people:predict", rows) == (
        200,
        {"predictions": [{"total": [32.0], "seen": [2]}, {"total": [43.5], "seen": [3]}]},
    )
    columns = {"inputs": {"age": [[30], [40.5]], "visits": [[2], [3]]}}
    assert post("/v1/models/people:predict", columns) == (
        200,
        {"outputs": {"total": [[32.0], [43.5]], "seen": [[2], [3]]}},
    )


def test_zipmaps_maps_are_in_their_rows(post):
    status, body = post("/v1/models/zipmap:predict", {"instances": [[5.1, 3.5, 1.4, 0.2]] * 2})
    assert status == 200
    assert [row.keys() for row in body["predictions"]] == [{"output_label", "output_probability"}] * 2
    assert body["predictions"][0]["output_probability"].keys() == {"0", "1", "2"}


def b64(text):
    return {"b64": base64.b64encode(text.encode()).decode()}


def test_bytes_are_base64_and_outputs_named_bytes_come_back_so(post):
    expected = {"predictions": [b64("a!"), b64("é!")]}
    assert post("/v1/models/exclaimed:predict", {"instances": [b64("a"), b64("é")]}) == (200, expected)
    assert post("/v1/models/exclaimed:predict", {"instances": ["a", "é"]}) == (200, expected)
    assert post("/v1/models/exclaimed:predict", {"instances": [{"s": b64("a")}]}) == (200, {"predictions": [b64("a!")]})


def test_bare_nan_and_infinity_go_both_ways(caller):
    answer = caller.call("POST", "/v1/models/echo-fp32:predict", b'{"instances": [NaN, -Infinity]}')
    assert answer.body == b'{"predictions":[NaN, -Infinity]}'


def test_an_output_without_rows_asks_for_columns(post):
    status, body = post("/v1/models/sequence:predict", {"instances": [[1], [2], [3, 4]]})
    assert (status, body["error"]) == (
        400,
        "output 'joined' has no row for each of the 3 instances; send 'inputs' instead",
    )


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({}, "exactly one of 'instances' (rows) and 'inputs' (columns)"),
        ({"instances": [ROW], "inputs": [ROW]}, "exactly one of"),
        ({"instances": []}, "at least one row"),
        ({"instances": ROW[0]}, "at least one row"),
        ({"instances": [ROW], "extra": 1}, "unknown keys: extra"),
        ({"instances": [ROW], "signature_name": "tpu"}, 'no signature "tpu": every model here has'),
        ({"instances": [ROW], "signature_name": 5}, "signature_name must be a string"),
        ([], "must be a JSON object"),
        ({"instances": [[1, 2]]}, "input 'x': wants FP32 of shape [-1, 4], got shape [1, 2]"),
        ({"instances": [ROW, [1]]}, "input 'x': ragged lists"),
        ({"instances": [{"y": ROW}]}, "input 'y': unknown input"),
        ({"inputs": {"y": [ROW]}}, "input 'y': unknown input"),
        (b"{", "the body is not JSON"),
    ],
)
def test_a_bad_request_says_what_is_wrong_as_a_string(post, body, what):
    status, answer = post("/v1/models/scaled:predict", body)
    assert status == 400
    assert answer.keys() == {"error"}
    assert what in answer["error"]


def test_columns_of_several_inputs_need_names(post):
    assert post("/v1/models/people:predict", {"inputs": [[1]]})[0] == 400


@pytest.mark.parametrize(
    ("path", "entries"),
    [
        ("/v1/models/scaled", [("2", "AVAILABLE", "OK"), ("1", "AVAILABLE", "OK")]),
        ("/v1/models/scaled/versions/1", [("1", "AVAILABLE", "OK")]),
        ("/v1/models/scaled/labels/canary", [("1", "AVAILABLE", "OK")]),
        ("/v1/models/coming", [("1", "LOADING", "OK")]),
        ("/v1/models/coming/versions/1", [("1", "LOADING", "OK")]),
        ("/v1/models/broken", [("1", "END", "FAILED_PRECONDITION")]),
        ("/v1/models/broken/versions/1", [("1", "END", "FAILED_PRECONDITION")]),
    ],
)
def test_status_tells_the_state_of_every_version_or_the_one_named(caller, path, entries):
    answer = caller.call("GET", path)
    assert answer.status == 200
    found = json.loads(answer.body)["model_version_status"]
    assert [(one["version"], one["state"], one["status"]["error_code"]) for one in found] == entries


def test_status_begins_with_the_version_that_a_call_without_one_gets(tmp_path):
    shelf = Shelf()
    for number, state in ((1, "ready"), (2, "ready"), (3, "importing")):
        shelf.add("m", scaled(), number, state=state)
    shelf.aliases["m", "prod"] = 1
    answer = Caller(predictor(shelf, tmp_path)).call("GET", "/v1/models/m")
    found = [(one["version"], one["state"]) for one in json.loads(answer.body)["model_version_status"]]
    assert found == [("1", "AVAILABLE"), ("3", "LOADING"), ("2", "AVAILABLE")]


@pytest.mark.parametrize("path", ["", "/versions/9", "/labels/none", "/metadata"])
def test_an_unknown_model_has_no_status(caller, path):
    answer = caller.call("GET", f"/v1/models/nope{path}")
    assert answer.status == 404
    assert json.loads(answer.body).keys() == {"error"}


@pytest.mark.parametrize(
    ("path", "version"), [("", "2"), ("/versions/1", "1"), ("/labels/canary", "1"), ("/versions/2", "2")]
)
def test_metadata_is_the_signature_nested_twice_its_sizes_as_text(caller, path, version):
    answer = caller.call("GET", f"/v1/models/scaled{path}/metadata")

    def tensor(name):
        shape = {"dim": [{"size": "-1", "name": ""}, {"size": "4", "name": ""}], "unknown_rank": False}
        return {name: {"dtype": "DT_FLOAT", "tensor_shape": shape, "name": name}}

    assert json.loads(answer.body) == {
        "model_spec": {"name": "scaled", "signature_name": "", "version": version},
        "metadata": {
            "signature_def": {
                "signature_def": {
                    "serving_default": {
                        "inputs": tensor("x"),
                        "outputs": tensor("y"),
                        "method_name": "tensorflow/serving/predict",
                    }
                }
            }
        },
    }


@pytest.mark.parametrize(
    ("model", "dtype"),
    [
        ("echo-fp16", "DT_HALF"),
        ("echo-bf16", "DT_BFLOAT16"),
        ("echo-uint64", "DT_UINT64"),
        ("echo-bool", "DT_BOOL"),
        ("echo-bytes", "DT_STRING"),
        ("zipmap", "DT_FLOAT"),
    ],
)
def test_every_datatype_has_tensorflows_name(caller, model, dtype):
    body = json.loads(caller.call("GET", f"/v1/models/{model}/metadata").body)
    (given,) = body["metadata"]["signature_def"]["signature_def"]["serving_default"]["inputs"].values()
    assert given["dtype"] == dtype
    assert given["tensor_shape"]["unknown_rank"] is model.startswith("echo")


def test_what_is_not_ready_has_no_metadata(caller):
    assert caller.call("GET", "/v1/models/coming/metadata").status == 409

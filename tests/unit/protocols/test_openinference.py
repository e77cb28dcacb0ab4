import json

import numpy as np
import pytest

from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec
from aimass.protocols.openinference.request import parse_request, read_inputs

ROW = [1.0, 2.0, 3.0, 4.0]


def fp32(**changes):
    return {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": ROW} | changes]}


@pytest.fixture
def infer(caller):
    def call(model, body, headers=None):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = caller.call("POST", f"/v2/models/{model}/infer", raw, headers)
        assert not caller.faults
        return answer

    return call


def document(answer):
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def outputs(answer):
    return {one["name"]: one for one in document(answer)["outputs"]}


def test_the_server_says_what_it_is(caller):
    for path in ("/v2", "/v2/"):
        assert document(caller.call("GET", path)) == {
            "name": "aimass",
            "version": "2",
            "extensions": [
                "binary_tensor_data",
                "classification",
                "model_configuration",
                "model_repository",
                "statistics",
            ],
        }


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("/v2/models/scaled", "2"),
        ("/v2/models/scaled/versions/1", "1"),
        ("/v2/models/scaled/versions/canary", "1"),
    ],
)
def test_a_model_has_inputs_outputs_and_readiness(caller, path, version):
    tensor = {"datatype": "FP32", "shape": [-1, 4]}
    assert document(caller.call("GET", path)) == {
        "name": "scaled",
        "versions": [version],
        "platform": "onnx_onnxv1",
        "inputs": [{"name": "x"} | tensor],
        "outputs": [{"name": "y"} | tensor],
    }
    assert document(caller.call("GET", f"{path}/ready")) == {"name": "scaled", "ready": True}


@pytest.mark.parametrize(
    ("model", "status"), [("nope", 404), ("coming", 409), ("coming/versions/1", 409), ("scaled/versions/9", 404)]
)
def test_what_cannot_answer_is_not_ready(caller, model, status):
    answer = caller.call("GET", f"/v2/models/{model}/ready")
    assert answer.status == status
    assert json.loads(answer.body).keys() == {"error"}


def test_json_in_and_out_is_flat_and_the_id_comes_back(infer):
    assert document(infer("scaled", fp32() | {"id": "call-7"})) == {
        "model_name": "scaled",
        "model_version": "2",
        "id": "call-7",
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [1, 4], "data": [4.0, 8.0, 12.0, 16.0]}],
    }


def test_without_an_id_there_is_none(infer):
    assert "id" not in document(infer("scaled", fp32()))


def test_data_may_be_nested(infer):
    assert outputs(infer("scaled", fp32(data=[ROW])))["y"]["data"] == [4.0, 8.0, 12.0, 16.0]


def test_a_client_that_adds_model_name_is_answered(infer):
    assert infer("scaled", fp32() | {"model_name": "scaled", "parameters": {"anything": 1}}).status == 200


def test_parameters_come_back_but_for_the_one_that_shapes_the_answer(infer):
    given = {"binary_data_output": False, "trace": "a", "depth": 2, "variant": "original"}
    assert document(infer("scaled", fp32() | {"parameters": given}))["parameters"] == {
        "trace": "a",
        "depth": 2,
        "variant": "original",
    }
    assert "parameters" not in document(infer("scaled", fp32() | {"parameters": {"binary_data_output": False}}))


def test_a_raw_body_is_the_only_inputs_bytes(infer):
    raw = np.arange(8, dtype=np.float32).tobytes()
    answer = infer("scaled", raw, {"Inference-Header-Content-Length": "0"})
    length = int(answer.headers["Inference-Header-Content-Length"])
    assert json.loads(answer.body[:length])["outputs"][0]["shape"] == [2, 4]
    assert np.frombuffer(answer.body[length:], np.float32).tolist() == [0, 4, 8, 12, 16, 20, 24, 28]


def test_a_raw_body_for_a_dimension_of_0_is_refused():
    spec = TensorSpec("x", "FP32", (-1, 0), "tensor(float)")
    with pytest.raises(InvalidArguments, match="input 'x'"):
        read_inputs([spec], parse_request(bytes(4), "0"))


def test_a_sequence_travels_as_one_json_text_an_element(infer):
    given = {"name": "s", "datatype": "BYTES", "shape": [2], "data": ["[1, 2]", "[NaN]"]}
    same = outputs(infer("sequence", {"inputs": [given]}))["same"]
    assert same == {"name": "same", "datatype": "BYTES", "shape": [2], "data": ["[1.0,2.0]", "[NaN]"]}


def test_zipmaps_rows_travel_as_one_object_each(infer):
    given = {"name": "X", "datatype": "FP32", "shape": [2, 4], "data": [[5.1, 3.5, 1.4, 0.2]] * 2}
    texts = outputs(infer("zipmap", {"inputs": [given]}))["output_probability"]["data"]
    assert [json.loads(text).keys() for text in texts] == [{"0", "1", "2"}] * 2


def test_a_map_travels_as_one_json_text(infer):
    given = {"name": "m", "datatype": "BYTES", "shape": [1], "data": ['{"7": 3, "1": 2}']}
    assert outputs(infer("dictionary", {"inputs": [given]}))["y"]["data"] == [2.0, 0.0, 3.0]


@pytest.mark.parametrize(
    ("inputs", "there", "same"), [([], False, "null"), (["[1.5]"], True, "[1.5]"), (["null"], False, "null")]
)
def test_an_optional_travels_as_one_json_text_or_none(infer, inputs, there, same):
    given = [{"name": "o", "datatype": "BYTES", "shape": [len(inputs)], "data": inputs}]
    found = outputs(infer("optional", {"inputs": given}))
    assert (found["there"]["data"], found["same"]["data"]) == ([there], [same])


def test_an_output_that_was_not_asked_for_does_not_come(infer):
    given = {
        "inputs": [
            {"name": "age", "shape": [1, 1], "datatype": "FP32", "data": [30]},
            {"name": "visits", "shape": [1, 1], "datatype": "INT64", "data": [2]},
        ],
        "outputs": [{"name": "seen"}],
    }
    assert outputs(infer("people", given)).keys() == {"seen"}


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({}, "a list of 'inputs'"),
        ({"inputs": {}}, "a list of 'inputs'"),
        ({"inputs": []}, "input 'x': missing: FP32 of shape [-1, 4]"),
        (fp32(name="sound"), "input 'sound': unknown input"),
        (fp32(name=5), "every input needs a 'name'"),
        (fp32(shape=None), "input 'x': needs 'datatype' (a string) and 'shape'"),
        (fp32(shape=[1, -4]), "input 'x': shape must be a list of sizes"),
        (fp32(shape=[1, 3], data=[1, 2, 3]), "input 'x': wants FP32 of shape [-1, 4], got shape [1, 3]"),
        (fp32(datatype="INT64"), "input 'x': wants FP32 of shape [-1, 4], got INT64 of shape [1, 4]"),
        (fp32(shape=[2, 4]), "input 'x': shape is [2, 4], its data [4]"),
        (fp32(data=[[1, 2], [3, 4]]), "input 'x': shape is [1, 4], its data [2, 2]"),
        (fp32(data=[1, 2, 3, "a"]), "input 'x': wants FP32, got \"a\""),
        (fp32(parameters={"shared_memory_region": "r"}), "input 'x': shared memory"),
        (fp32(parameters={"binary_data_size": 16}), "binary_data_size is 16, and 0 bytes"),
        ({"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32"}]}, "input 'x': needs 'data'"),
        ({"inputs": fp32()["inputs"] * 2}, "an input is named twice"),
        (fp32() | {"outputs": [{"name": "z"}]}, "no output 'z'; this model has 'y'"),
        (fp32() | {"outputs": ["y"]}, "'outputs' must be a list of objects with a 'name'"),
        (
            fp32() | {"outputs": [{"name": "y", "parameters": {"classification": -1}}]},
            "output 'y': 'classification' must be",
        ),
        (fp32() | {"parameters": {"variant": "int8"}}, "version 2 has no variant \"int8\"; there are: 'original'"),
        (fp32() | {"parameters": {"variant": 8}}, "parameter 'variant' must be a string"),
        (fp32() | {"id": 5}, "'id' must be a string"),
        (fp32() | {"parameters": []}, None),
        (fp32() | {"parameters": [1]}, "'parameters' must be an object"),
        (b"{", "the body is not JSON"),
    ],
)
def test_a_bad_request_says_what_is_wrong_as_a_string(infer, body, what):
    answer = infer("scaled", body)
    if what is None:
        assert answer.status == 200
        return
    assert answer.status == 400
    assert json.loads(answer.body).keys() == {"error"}
    assert what in json.loads(answer.body)["error"]


@pytest.mark.parametrize("length", ["-1", "9999", "x", "", "²"])
def test_a_header_length_outside_the_body_is_refused(infer, length):
    answer = infer("scaled", fp32(), {"Inference-Header-Content-Length": length})
    assert answer.status == 400
    assert "Inference-Header-Content-Length" in json.loads(answer.body)["error"]


def test_bytes_that_belong_to_no_input_are_refused(infer):
    header = json.dumps(fp32()).encode()
    answer = infer("scaled", header + b"extra", {"Inference-Header-Content-Length": str(len(header))})
    assert (answer.status, json.loads(answer.body)["error"]) == (400, "5 bytes of binary data belong to no input")


@pytest.mark.parametrize(("data", "what"), [(["[1"], "the body is not JSON"), (['{"a":1}'], "input 's': wants FP32")])
def test_a_json_text_that_is_no_element_is_refused(infer, data, what):
    given = {"name": "s", "datatype": "BYTES", "shape": [1], "data": data}
    answer = infer("sequence", {"inputs": [given]})
    assert answer.status == 400
    assert what in json.loads(answer.body)["error"]

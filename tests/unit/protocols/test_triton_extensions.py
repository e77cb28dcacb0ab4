"""Model configuration, statistics, repository index and classification, as Triton's clients call them."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput

from aimass.domain.description import Batching, Description
from aimass.domain.errors import InvalidArguments, PayloadTooLarge
from aimass.domain.jobs import Failure
from aimass.domain.model import TensorSpec
from aimass.protocols.openinference.classification import best_classes
from aimass.protocols.openinference.routes import NOT_OFFERED
from tests.unit.inference.models import echo, scaled, sequence
from tests.unit.inference.plane import Caller, Shelf, predictor

SCORES = TensorSpec("y", "FP32", (-1, 4), "tensor(float)")


@pytest.fixture
def caller(tmp_path):
    shelf = Shelf()
    shelf.add("m", scaled(), 1, labels=("a", "b", "c", "d"))
    shelf.add("m", scaled(factor=3.0), 2)
    batching = Description(batching=Batching(max_batch=16, max_delay_ms=1.5))
    shelf.add("batched", scaled(), description=batching)
    shelf.add("texts", echo("BYTES", shape=["n", 2]))
    shelf.add("texts", echo("BYTES"), 2, state="failed", failure=Failure("verify", "invalid_model", "a cycle"))
    shelf.add("sequence", sequence())
    shelf.add("coming", scaled(), state="importing")
    shelf.add("gone", scaled())
    shelf.deleted.add("gone")
    return Caller(predictor(shelf, tmp_path))


def document(caller, method, path, body=b""):
    answer = caller.call(method, path, body)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def infer(caller, path="m", rows=2, **changes):
    tensor = {"name": "x", "shape": [rows, 4], "datatype": "FP32", "data": [[3.0, 9.0, -1.0, 9.0]] * rows}
    return caller.call("POST", f"/v2/models/{path}/infer", json.dumps({"inputs": [tensor]} | changes).encode())


def test_the_configuration_has_tritons_types_and_whole_shapes(caller):
    found = document(caller, "GET", "/v2/models/m/versions/1/config")
    assert (found["name"], found["platform"], found["max_batch_size"]) == ("m", "onnxruntime_onnx", 0)
    assert found["input"] == [
        {"name": "x", "data_type": "TYPE_FP32", "dims": [-1, 4], "format": "FORMAT_NONE", "optional": False}
    ]
    assert found["output"] == [{"name": "y", "data_type": "TYPE_FP32", "dims": [-1, 4]}]
    assert "dynamic_batching" not in found


def test_where_rows_may_run_together_the_batch_is_apart(caller):
    found = document(caller, "GET", "/v2/models/batched/config")
    assert (found["max_batch_size"], found["input"][0]["dims"]) == (16, [4])
    assert found["dynamic_batching"] == {"max_queue_delay_microseconds": 1500}


def test_strings_and_what_travels_as_strings_are_typed_so(caller):
    assert document(caller, "GET", "/v2/models/texts/versions/1/config")["input"][0]["data_type"] == "TYPE_STRING"
    assert document(caller, "GET", "/v2/models/sequence/config")["input"][0]["data_type"] == "TYPE_STRING"


def test_statistics_count_rows_runs_and_failures_of_the_version(caller):
    infer(caller, "m/versions/1", rows=2)
    infer(caller, "m/versions/1", rows=5)
    infer(caller, "m/versions/2")
    (found,) = document(caller, "GET", "/v2/models/m/versions/1/stats")["model_stats"]
    assert (found["name"], found["version"], found["inference_count"], found["execution_count"]) == ("m", "1", 7, 2)
    parts = found["inference_stats"]
    assert parts["success"]["count"] == parts["compute_infer"]["count"] == 2
    assert parts["success"]["ns"] >= parts["compute_infer"]["ns"] > 0
    assert parts["fail"] == {"count": 0, "ns": 0}
    assert found["last_inference"] > 1_600_000_000_000


def test_statistics_of_what_was_never_called_are_zero(caller):
    (found,) = document(caller, "GET", "/v2/models/m/stats")["model_stats"]
    assert (found["version"], found["inference_count"], found["last_inference"]) == ("2", 0, 0)


def test_statistics_of_all_are_those_of_the_tenants_versions_called_here(caller):
    assert document(caller, "GET", "/v2/models/stats") == {"model_stats": []}
    infer(caller, "m/versions/2", rows=3)
    infer(caller, "m/versions/1")
    infer(caller, "batched")
    caller.plane._statistics.failed("other", "secret", 1, 0.1)
    found = document(caller, "GET", "/v2/models/stats")["model_stats"]
    assert [(one["name"], one["version"], one["inference_count"]) for one in found] == [
        ("batched", "1", 2),
        ("m", "1", 2),
        ("m", "2", 3),
    ]


@pytest.mark.parametrize(("method", "path"), NOT_OFFERED)
def test_what_makes_sense_beside_a_server_alone_is_not_offered(caller, method, path):
    answer = caller.call(method, path.replace("{model}", "m").replace("{region}", "r"))
    assert answer.status == 501
    assert json.loads(answer.body).keys() == {"error"}


def test_the_index_lists_the_versions_of_all_models_that_are_not_deleted(caller):
    listed = document(caller, "POST", "/v2/repository/index")
    assert [(one["name"], one["version"], one["state"], one["reason"]) for one in listed] == [
        ("batched", "1", "READY", ""),
        ("coming", "1", "LOADING", ""),
        ("m", "1", "READY", ""),
        ("m", "2", "READY", ""),
        ("sequence", "1", "READY", ""),
        ("texts", "1", "READY", ""),
        ("texts", "2", "UNAVAILABLE", "a cycle"),
    ]
    ready = document(caller, "POST", "/v2/repository/index", b'{"ready": true}')
    assert {one["state"] for one in ready} == {"READY"}
    assert len(ready) == 5


@pytest.mark.parametrize("body", [b"[]", b'{"ready": 1}', b"{"])
def test_an_index_asked_for_wrongly_is_refused(caller, body):
    answer = caller.call("POST", "/v2/repository/index", body)
    assert answer.status == 400
    assert json.loads(answer.body).keys() == {"error"}


@pytest.mark.parametrize("path", ["nope/config", "nope/stats", "m/versions/9/config", "m/versions/9/stats"])
def test_an_unknown_model_has_neither(caller, path):
    assert caller.call("GET", f"/v2/models/{path}").status == 404


def test_classes_come_as_value_index_and_label(caller):
    asked = {"outputs": [{"name": "y", "parameters": {"classification": 3}}]}
    (found,) = json.loads(infer(caller, "m/versions/1", **asked).body)["outputs"]
    assert (found["datatype"], found["shape"]) == ("BYTES", [2, 3])
    assert found["data"] == ["18.000000:1:b", "18.000000:3:d", "6.000000:0:a"] * 2
    (unlabelled,) = json.loads(infer(caller, "m/versions/2", rows=1, **asked).body)["outputs"]
    assert unlabelled["data"] == ["27.000000:1", "27.000000:3", "9.000000:0"]


def test_tritonclient_reads_classes_in_binary(caller):
    given = InferInput("x", [1, 4], "FP32")
    given.set_data_from_numpy(np.array([[3, 9, -1, 0]], np.float32))
    outputs = [InferRequestedOutput("y", class_count=1)]
    body, length = InferenceServerClient.generate_request_body([given], outputs=outputs)
    answer = caller.call(
        "POST", "/v2/models/m/versions/1/infer", body, {"inference-header-content-length": str(length)}
    )
    length = int(answer.headers["Inference-Header-Content-Length"])
    result = InferenceServerClient.parse_response_body(answer.body, header_length=length)
    assert result.as_numpy("y").tolist() == [[b"18.000000:1:b"]]


@given(hnp.arrays(st.sampled_from([np.float32, np.int64, np.uint8]), st.tuples(st.integers(0, 3), st.integers(1, 6))))
def test_the_best_come_first_and_none_is_left_out(scores):
    texts = best_classes(SCORES, scores, 99, ())
    assert texts.shape == scores.shape
    for row, told in zip(scores, texts, strict=True):
        order = [int(one.split(":")[1]) for one in told]
        assert sorted(order) == list(range(len(row)))
        found = [row[at] for at in order if not np.isnan(row[at])]
        assert found == sorted(found, reverse=True)


def test_a_vector_is_one_row_and_nan_is_last():
    assert best_classes(SCORES, np.array([np.nan, 1, 2], np.float32), 3, ("x", "y", "z")).tolist() == [
        "2.000000:2:z",
        "1.000000:1:y",
        "nan:0:x",
    ]


def test_what_has_no_columns_of_numbers_has_no_classes():
    for array in (np.array(["a"], object), np.float32(1).reshape(())):
        with pytest.raises(InvalidArguments, match="output 'y': classification wants"):
            best_classes(SCORES, array, 1, ())
    with pytest.raises(PayloadTooLarge):
        best_classes(SCORES, np.zeros((700, 1000), np.float32), 1000, ())

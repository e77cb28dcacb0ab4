import json

import pytest

from aimass.protocols.front import respond
from aimass.protocols.http import request_of
from tests.unit.inference.plane import event

NATIVE_KEYS = {"error", "code", "details", "request_id"}


def fail(*arguments):
    raise AssertionError("the data plane was opened")


def test_health_opens_no_data_plane():
    for path, body in (("/v2/health/live", {"live": True}), ("/v2/health/ready", {"ready": True})):
        answer = respond(request_of(event("GET", path)), fail, fail)
        assert (answer.status, json.loads(answer.body)) == (200, body)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/nothing", 404),
        ("POST", "/v1/models/a:frobnicate", 404),
        ("POST", "/v1/models/a/b:predict", 404),
        ("GET", "/v2/models/a:b", 404),
        ("GET", "/v2/models//infer", 404),
        ("GET", "/predict", 405),
        ("DELETE", "/v2/models/a", 405),
        ("GET", "/v2/models/a/infer", 405),
        ("POST", "/v1/models/a:generate", 404),
        ("POST", "/v2/repository/models/a/load", 501),
        ("POST", "/v2/repository/models/a/unload", 501),
    ],
)
def test_a_route_that_is_not_there_is_told_from_one_that_is_not_offered(caller, method, path, status):
    answer = caller.call(method, path)
    assert answer.status == status
    assert isinstance(json.loads(answer.body)["error"], str)


def test_a_wrong_method_says_which_are_right(caller):
    body = json.loads(caller.call("GET", "/predict").body)
    assert body["code"] == "method_not_allowed"
    assert body["details"] == {"allow": ["POST"]}


@pytest.mark.parametrize(
    ("path", "body", "keys"),
    [
        (
            "/predict",
            {"model_name": "a", "input_format": "json", "data": []},
            {"error", "code", "details", "request_id"},
        ),
        ("/v1/models/a:predict", {"instances": [1]}, {"error"}),
        ("/v2/models/a/infer", {"inputs": []}, {"error"}),
    ],
)
def test_a_fault_of_ours_is_reported_and_not_shown(path, body, keys):
    def broken():
        raise RuntimeError("secret")

    faults = []
    answer = respond(request_of(event("POST", path, json.dumps(body).encode())), broken, faults.append)
    assert answer.status == 500
    assert json.loads(answer.body).keys() == keys
    assert b"secret" not in answer.body
    assert [str(one) for one in faults] == ["secret"]


def test_an_error_does_not_send_back_all_that_was_sent(caller):
    body = {"model_name": "scaled", "input_format": "json", "data": {"x" * 1_000_000: 1}}
    answer = caller.call("POST", "/predict", json.dumps(body).encode())
    assert answer.status == 400
    assert len(answer.body) < 20_000
    assert "unknown input" not in json.loads(answer.body)["details"]


def test_memory_that_runs_out_while_decoding_is_the_callers_to_know():
    def hungry():
        raise MemoryError

    answer = respond(request_of(event("GET", "/v2/models/a")), hungry, fail)
    assert answer.status == 507


def test_an_error_leaves_its_code_for_the_log(caller):
    assert caller.call("GET", "/v2/models/nope").facts == {"code": "model_not_found"}

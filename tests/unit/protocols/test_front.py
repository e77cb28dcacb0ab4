import json

import pytest
from aimass.domain.errors import NotSupported
from aimass.protocols.front import respond
from aimass.protocols.http import request_of
from tests.unit.inference.plane import event


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
        ("POST", "/v1/models/a:classify", 501),
        ("GET", "/v1/models/a/metadata", 501),
        ("GET", "/v2/models/a/config", 501),
        ("POST", "/v2/repository/index", 501),
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


def test_a_fault_of_ours_is_reported_and_not_shown(caller):
    def broken():
        raise RuntimeError("secret")

    for path, keys in (("/predict", {"error", "code", "details", "request_id"}), ("/v1/models/a:predict", {"error"})):
        faults = []
        request = event("POST", path, b'{"model_name":"a","input_format":"json","data":[],"instances":[1]}')
        answer = respond(request_of(_without(request, path)), broken, faults.append)
        assert answer.status == 500
        assert json.loads(answer.body).keys() == keys
        assert b"secret" not in answer.body
        assert [str(one) for one in faults] == ["secret"]


def _without(request, path):
    """The body with only the keys of its protocol."""
    body = {"model_name": "a", "input_format": "json", "data": []} if path == "/predict" else {"instances": [1]}
    return request | {"body": json.dumps(body), "isBase64Encoded": False}


def test_memory_that_runs_out_while_decoding_is_the_callers_to_know():
    def hungry():
        raise MemoryError

    answer = respond(request_of(event("GET", "/v2/models/a")), hungry, fail)
    assert answer.status == 507


def test_an_error_leaves_its_code_for_the_log(caller):
    assert caller.call("GET", "/v2/models/nope").facts == {"code": "model_not_found"}


def test_not_supported_is_an_error_of_its_own():
    assert NotSupported("x").code == "not_supported"

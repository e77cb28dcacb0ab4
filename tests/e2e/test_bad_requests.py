"""Bad requests: each answers its status, a stable code and a text that names what was wrong."""

import json

import pytest

pytestmark = pytest.mark.e2e

MODEL = ("m.onnx", b"x")
UPLOAD = {"model": "m", "filename": "a.onnx", "size": 5, "sha256": "ab" * 32}
ROW = [0.0] * 64

# what is sent, then: status, code, a fragment of the text
NATIVE = {
    "upload without a file": (("POST", "/upload", {"files": {"name": (None, "m")}}), 400, "invalid_arguments", "model"),
    "upload that is no form": (("POST", "/upload", {"json": {}}), 400, "invalid_arguments", "multipart/form-data"),
    "upload of an empty file": (
        ("POST", "/upload", {"files": {"model": ("m.onnx", b"")}}),
        400,
        "invalid_arguments",
        "empty",
    ),
    "upload under a bad name": (
        ("POST", "/upload", {"files": {"model": MODEL}, "data": {"name": "No Good"}}),
        400,
        "invalid_arguments",
        "[a-z0-9]",
    ),
    "upload whose file name makes no name": (
        ("POST", "/upload", {"files": {"model": ("???.onnx", b"x")}}),
        400,
        "invalid_arguments",
        "name",
    ),
    "upload of version zero": (
        ("POST", "/upload", {"files": {"model": MODEL}, "data": {"version": "0"}}),
        400,
        "invalid_arguments",
        "version",
    ),
    "upload with an unknown field": (
        ("POST", "/upload", {"files": {"model": MODEL}, "data": {"verison": "1"}}),
        400,
        "invalid_arguments",
        "verison",
    ),
    "upload that waits too long": (
        ("POST", "/upload?wait=99", {"files": {"model": MODEL}}),
        400,
        "invalid_arguments",
        "wait",
    ),
    "upload in parts without a size": (
        ("POST", "/api/v1/uploads", {"json": {"model": "m", "filename": "a", "sha256": "ab" * 32}}),
        400,
        "invalid_arguments",
        "size",
    ),
    "upload in parts with a bad digest": (
        ("POST", "/api/v1/uploads", {"json": UPLOAD | {"sha256": "xyz"}}),
        400,
        "invalid_arguments",
        "sha256",
    ),
    "upload in parts beyond the limit": (
        ("POST", "/api/v1/uploads", {"json": UPLOAD | {"size": 10**13}}),
        413,
        "payload_too_large",
        "4294967296",
    ),
    "upload in parts with a path for a file name": (
        ("POST", "/api/v1/uploads", {"json": UPLOAD | {"filename": "../a"}}),
        400,
        "invalid_arguments",
        "filename",
    ),
    "a body that is no JSON": (("POST", "/api/v1/uploads", {"data": "{"}), 400, "invalid_arguments", "body"),
    "completing an unknown upload": (
        ("POST", "/api/v1/uploads/nope/complete", {"json": {"parts": [{"part_number": 1, "etag": "e"}]}}),
        404,
        "upload_not_found",
        "nope",
    ),
    "completing without parts": (
        ("POST", "/api/v1/uploads/nope/complete", {"json": {"parts": []}}),
        400,
        "invalid_arguments",
        "parts",
    ),
    "an unknown model": (("GET", "/api/v1/models/nope", {}), 404, "model_not_found", "nope"),
    "an unknown version": (("GET", "/api/v1/models/digits/versions/99", {}), 404, "version_not_found", "99"),
    "a version that is no number": (
        ("GET", "/api/v1/models/digits/versions/x", {}),
        400,
        "invalid_arguments",
        "version",
    ),
    "a list in an unknown state": (
        ("GET", "/api/v1/models/digits/versions?state=x", {}),
        400,
        "invalid_arguments",
        "state",
    ),
    "an unknown job": (("GET", "/api/v1/jobs/nope", {}), 404, "job_not_found", "nope"),
    "an unknown alias": (("GET", "/api/v1/models/digits/aliases/nope", {}), 404, "alias_not_found", "nope"),
    "an alias to an unknown version": (
        ("PUT", "/api/v1/models/digits/aliases/a", {"json": {"version": 99}}),
        404,
        "version_not_found",
        "99",
    ),
    "an alias under a bad name": (
        ("PUT", "/api/v1/models/digits/aliases/BAD", {"json": {"version": 1}}),
        400,
        "invalid_arguments",
        "alias",
    ),
    "a prediction without arguments": (
        ("POST", "/predict", {"json": {}}),
        400,
        "invalid_arguments",
        "invalid arguments",
    ),
    "a prediction that is no JSON": (("POST", "/predict", {"data": "{"}), 400, "invalid_arguments", "JSON"),
    "a prediction in an unknown input format": (
        ("POST", "/predict", {"json": {"model_name": "digits", "version": 1, "input_format": "smell", "data": [ROW]}}),
        400,
        "invalid_arguments",
        "numpy array",
    ),
    "a prediction of an unknown model": (
        ("POST", "/predict", {"json": {"model_name": "nope", "version": 1, "input_format": "json", "data": [ROW]}}),
        404,
        "model_not_found",
        "nope",
    ),
    "a prediction of an unknown variant": (
        (
            "POST",
            "/predict",
            {
                "json": {
                    "model_name": "digits",
                    "version": 1,
                    "input_format": "numpy array",
                    "compress": "int3",
                    "data": [ROW],
                }
            },
        ),
        400,
        "invalid_arguments",
        "original",
    ),
    "a prediction of the wrong shape": (
        (
            "POST",
            "/predict",
            {"json": {"model_name": "digits", "version": 1, "input_format": "numpy array", "data": [[1, 2]]}},
        ),
        400,
        "invalid_arguments",
        "pixels",
    ),
    "a prediction of ragged rows": (
        (
            "POST",
            "/predict",
            {"json": {"model_name": "digits", "version": 1, "input_format": "numpy array", "data": [ROW, [1]]}},
        ),
        400,
        "invalid_arguments",
        "pixels",
    ),
    "a prediction of words for numbers": (
        (
            "POST",
            "/predict",
            {"json": {"model_name": "digits", "version": 1, "input_format": "numpy array", "data": [["a"] * 64]}},
        ),
        400,
        "invalid_arguments",
        "pixels",
    ),
}


def fp32(**changes):
    return {"inputs": [{"name": "pixels", "shape": [1, 64], "datatype": "FP32", "data": ROW} | changes]}


PROTOCOLS = {
    "rows of an unknown model": (("/v1/models/nope:predict", {"instances": [ROW]}), 404, "nope"),
    "rows without rows": (("/v1/models/digits:predict", {}), 400, "instances"),
    "rows and columns at once": (("/v1/models/digits:predict", {"instances": [ROW], "inputs": [ROW]}), 400, "inputs"),
    "an unknown verb": (("/v1/models/digits:frobnicate", {"instances": [ROW]}), 404, ""),
    "inference of an unknown model": (("/v2/models/nope/infer", fp32()), 404, "nope"),
    "inference without inputs": (("/v2/models/digits/infer", {}), 400, "inputs"),
    "inference of an unknown input": (("/v2/models/digits/infer", fp32(name="sound")), 400, "sound"),
    "inference of another datatype": (("/v2/models/digits/infer", fp32(datatype="INT64", data=[0] * 64)), 400, "FP32"),
    "inference whose data do not fill the shape": (("/v2/models/digits/infer", fp32(shape=[2, 64])), 400, "pixels"),
    "inference of an unknown version": (("/v2/models/digits/versions/99/infer", fp32()), 404, "99"),
}


@pytest.fixture(scope="module", autouse=True)
def digits(client):
    if client.call("GET", "/api/v1/models/digits").status_code == 404:
        with open("examples/digits/digits.onnx", "rb") as file:
            assert client.import_model("digits", file.read())["state"] == "succeeded"


@pytest.mark.parametrize("case", NATIVE)
def test_the_platforms_own_routes_answer_the_one_error_shape(client, case):
    (method, path, options), status, code, fragment = NATIVE[case]
    answer = client.call(method, path, **options)
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"error", "code", "details", "request_id"}
    assert body["code"] == code
    assert fragment in json.dumps(body)
    assert body["request_id"]


@pytest.mark.parametrize("case", PROTOCOLS)
def test_the_public_protocols_answer_error_as_a_string(client, case):
    (path, body), status, fragment = PROTOCOLS[case]
    answer = client.call("POST", path, json=body)
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    assert isinstance(answer.json()["error"], str)
    assert fragment in answer.json()["error"]


def test_what_the_gateway_refuses_keeps_the_gateways_own_body(client):
    assert client.call("GET", "/nowhere").json() == {"message": "Not Found"}
    large = client.call("POST", "/predict", data=bytes(11_000_000))
    assert (large.status_code, large.json()) == (413, {"message": "Request Entity Too Large"})


def test_a_foreign_host_or_origin_is_refused(client):
    assert client.call("GET", "/health", headers={"Host": "evil.example"}).status_code in {403, 421}
    assert client.call("GET", "/api/v1/models", headers={"Origin": "https://evil.example"}).status_code == 403

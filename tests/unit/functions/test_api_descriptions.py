"""The control plane's calls about model descriptions, over a registry in process."""

import json
from types import SimpleNamespace

import pytest

from aimass.adapters.aws.transactions import transact
from aimass.bootstrap import stores, tenancy
from aimass.domain.files import ModelFiles, StoredFile
from aimass.domain.model import Measurements, TensorSpec, Variant, Version
from tests.unit.functions.test_api import CONTEXT, api  # noqa: F401

PATH = "/api/v1/models/m/versions/1/description"
FILES = ModelFiles("m.onnx", (StoredFile("m.onnx", "ab" * 32, 10),))
READY = Version(
    "m",
    1,
    "ready",
    "job",
    "then",
    "m.onnx",
    labels=("a", "b"),
    source=FILES,
    inputs=(TensorSpec("x", "FP32", (-1, 3, 8, 8), "tensor(float)"),),
    outputs=(TensorSpec("y", "FP32", (-1, 2), "tensor(float)"),),
    variants=(Variant("original", None, False, {}, FILES, None, Measurements(1.0, 1, 1.0, 1.0, 1, "1")),),
)
YAML = b"# what it takes\naimass: 1\nlabels:\n  - cat\n  - dog\noutput: {activation: softmax, top_k: 1}\n"


@pytest.fixture
def call(api, registry, artifacts, monkeypatch):  # noqa: F811
    monkeypatch.setattr(stores, "registry", lambda: registry)
    monkeypatch.setattr(stores, "artifacts", lambda: artifacts)
    monkeypatch.setattr(tenancy, "call_meter", lambda: SimpleNamespace(count=lambda *asked: None))
    transact(registry._client, registry._put_version("t", READY, "", {}), registry._number("t", READY, new=True))

    def run(method, path=PATH, body=None, tenant="t", media="application/yaml"):
        event = {
            "version": "2.0",
            "routeKey": f"{method} {path}",
            "rawPath": path,
            "headers": {"host": "h", "content-type": media},
            "requestContext": {
                "http": {"method": method, "path": path},
                "requestId": "request-1",
                "stage": "$default",
                "authorizer": {"lambda": {"tenant": tenant}},
            },
            "body": body if body is None else body.decode(),
            "isBase64Encoded": False,
        }
        answer = api.handler(event, CONTEXT)
        return answer["statusCode"], json.loads(answer["body"])

    return run


def test_yaml_is_set_and_shown_as_the_document_that_says_all(call):
    status, shown = call("PUT", body=YAML)
    assert status == 200
    assert shown["labels"] == ["cat", "dog"]
    assert shown["output"] == {"output": "y", "activation": "softmax", "top_k": 1, "threshold": None}
    assert shown["input"]["image"]["resize"] == {"height": 8, "width": 8, "interpolation": "bilinear"}
    assert shown["inferred"] == ["input.image", "output.output"]
    assert call("GET") == (200, shown)
    assert call("GET", "/api/v1/models/m/versions/1")[1]["description"] == shown


@pytest.mark.parametrize("media", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
def test_what_is_shown_can_be_set_as_it_is_whatever_it_is_called(call, media):
    shown = call("PUT", body=YAML)[1]
    status, again = call("PUT", body=json.dumps(shown).encode(), media=media)
    assert (status, again) == (200, shown | {"inferred": []})


def test_a_wrong_document_is_refused_with_its_lines(call):
    status, body = call("PUT", body=b"aimass: 1\nlabels: [cat, no]\nimage: {}\n")
    assert (status, body["code"]) == (400, "invalid_arguments")
    assert body["details"]["fields"].keys() == {"labels.1", "image"}
    assert "line 2: labels.1 must be text" in body["error"]
    assert call("GET")[1]["labels"] == ["a", "b"]


@pytest.mark.parametrize("body", [None, b"", b"{", b'{"aimass": 1, "labels": ["a"}'])
def test_a_body_that_is_no_document_is_refused(call, body):
    assert call("PUT", body=body)[0] == 400


def test_a_description_that_is_dropped_gives_way_to_what_the_import_made(call):
    call("PUT", body=YAML)
    nothing = {"aimass": 1, "labels": ["a", "b"], "input": None, "output": None, "inferred": []}
    assert call("DELETE") == (200, nothing)
    assert call("GET", "/api/v1/models/m/versions/1")[1]["description"] is None


def test_another_tenant_finds_nothing(call):
    for method, body in (("GET", None), ("PUT", YAML), ("PUT", b"{"), ("DELETE", None)):
        status, answer = call(method, body=body, tenant="other")
        assert (status, answer["code"]) == (404, "model_not_found")


def test_an_upload_with_a_wrong_description_is_refused_before_anything_is_reserved(call, registry):
    part = b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    body = (
        part % (b"model", b'; filename="n.onnx"', b"model") + part % (b"description", b"", b"aimass: 2") + b"--x--\r\n"
    )
    status, answer = call("POST", "/upload", body, media="multipart/form-data; boundary=x")
    assert (status, answer["details"]["fields"]) == (400, {"aimass": "line 1: must be 1, got 2"})
    announced = {"model": "n", "filename": "n.onnx", "size": 1, "sha256": "ab" * 32, "description": "aimass: 2"}
    status, answer = call("POST", "/api/v1/uploads", json.dumps(announced).encode())
    assert (status, answer["details"]["fields"]) == (400, {"aimass": "line 1: must be 1, got 2"})
    assert registry.next_number("t", "n") == 1

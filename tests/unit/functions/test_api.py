"""The control plane's entry: its errors, its OpenAPI document, its routes."""

import base64
import importlib.util
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from aimass.bootstrap import importing, stores
from aimass.domain.jobs import Job
from aimass.domain.ports import Page
from aimass.protocols.openapi import document
from infra.routes import ROUTES

ROOT = Path(__file__).parents[3]
CONTEXT = SimpleNamespace(function_name="api", memory_limit_in_mb=1, invoked_function_arn="arn", aws_request_id="id")


@pytest.fixture(scope="module")
def api():
    sys.path.insert(0, str(ROOT / "functions/api"))  # where Lambda unpacks the function
    spec = importlib.util.spec_from_file_location("api_handler", ROOT / "functions/api/handler.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def call(api, method, path, body=None, tenant="t", binary=False, query=None):
    event = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "headers": {"host": "h"},
        "queryStringParameters": query,
        "requestContext": {
            "http": {"method": method, "path": path},
            "requestId": "request-1",
            "stage": "$default",
            "authorizer": {"lambda": {"tenant": tenant}},
        },
        "body": body,
        "isBase64Encoded": binary,
    }
    answer = api.handler(event, CONTEXT)
    return answer["statusCode"], json.loads(answer["body"] or "null")


def test_a_fault_of_ours_answers_500_without_telling_what_broke(api, monkeypatch):
    class Broken:
        def list_models(self, tenant, page, *, deleted):
            raise ZeroDivisionError("secret")

    monkeypatch.setattr(stores, "registry", Broken)
    status, body = call(api, "GET", "/api/v1/models")
    assert (status, body["code"], body["request_id"]) == (500, "internal_error", "request-1")
    assert "secret" not in json.dumps(body)


def test_every_tenant_is_asked_of_the_registry_by_its_own_name(api, monkeypatch):
    class Registry:
        def list_models(self, tenant, page, *, deleted):
            asked.append(tenant)
            return Page(())

    asked = []
    monkeypatch.setattr(stores, "registry", Registry)
    assert call(api, "GET", "/api/v1/models", tenant="acme") == (200, {"models": [], "next_token": None})
    assert asked == ["acme"]


def test_the_published_document_is_that_of_the_code(api):
    published = json.loads((ROOT / "docs/openapi.json").read_text())
    assert published == document(api.app), "run: make openapi"


def test_every_reference_in_the_document_leads_somewhere(api):
    whole = document(api.app)
    for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(whole)):
        assert name in whole["components"]["schemas"]


def test_a_path_that_the_gateway_decoded_into_more_parts_is_not_found(api):
    status, body = call(api, "GET", "/api/v1/jobs/a/b")
    assert (status, body["code"]) == (404, "route_not_found")


def test_an_upload_without_a_body_says_what_to_send(api):
    status, body = call(api, "POST", "/upload")
    assert (status, body["code"]) == (400, "invalid_arguments")
    assert "multipart/form-data" in body["error"]


@pytest.mark.parametrize("path", ["/api/v1/jobs/", "/api/v1/uploads/", "/api/v1/models/m/aliases/"])
def test_an_identifier_too_long_for_a_key_is_refused(api, path):
    assert call(api, "GET", path + "x" * 3000)[0] == 400


@pytest.mark.parametrize("alias", ["7", "latest", "UPPER"])
def test_an_alias_that_means_something_else_is_refused(api, alias, monkeypatch):
    monkeypatch.setattr(stores, "registry", lambda: None)
    status, body = call(api, "PUT", f"/api/v1/models/m/aliases/{alias}", '{"version": 1}')
    assert (status, body["code"]) == (400, "invalid_arguments")


def matches(route, method, path):
    pattern = re.sub(r"\\{\w+\\\+\\}", ".+", re.escape(route.path))
    pattern = re.sub(r"\\{\w+\\}", "[^/]+", pattern)
    return route.method in {method, "ANY"} and re.fullmatch(pattern, path)


def test_every_documented_call_has_a_deployed_route_and_every_route_is_documented(api):
    calls = [(method.upper(), path) for path, item in document(api.app)["paths"].items() for method in item]
    for method, path in calls:
        assert any(matches(route, method, path) for route in ROUTES), (method, path)
    for route in (one for one in ROUTES if one.method != "OPTIONS"):  # preflights are the gateway's
        assert any(matches(route, method, path) for method, path in calls), route


def test_every_deployed_route_of_the_control_plane_is_one_that_it_answers(api):
    answered = {(method.upper(), path) for path, item in document(api.app)["paths"].items() for method in item}
    assert {(route.method, route.path) for route in ROUTES if route.function == "api"} <= answered


def test_a_body_that_is_no_text_is_refused_by_name(api):
    for body in (b"\xff\x00", b'{"name": "\xe9"}'):
        status, answer = call(api, "POST", "/api/v1/keys", base64.b64encode(body).decode(), binary=True)
        assert (status, answer["details"]["fields"]) == (400, {"body": "is no UTF-8 text"})


@pytest.mark.parametrize(
    ("method", "path", "query", "there_are"),
    [
        ("DELETE", "/api/v1/models/m/aliases/prod", {"revison": "1"}, "there are: revision"),
        ("GET", "/api/v1/jobs", {"stat": "failed"}, "there are: limit, model, next_token, state"),
        ("GET", "/api/v1/limits", {"x": "1"}, "takes no parameters"),
    ],
)
def test_a_misspelled_parameter_is_refused_before_anything_is_done(api, method, path, query, there_are):
    status, answer = call(api, method, path, query=query)
    assert status == 400
    assert there_are in answer["details"]["fields"][next(iter(query))]


def retried(api, monkeypatch, registry, kind, body):
    """The route's answer, for a failed job of a kind; what runs is started elsewhere."""
    job = Job("job-1", kind, "m", 1, "m.pkl", "failed", "then", finished_at="then", execution="e")
    registry.record_job("t", job)
    given = {}

    def retry_job(at, tenant, job_id, **said):
        given.update(said)
        return job

    monkeypatch.setattr(stores, "registry", lambda: registry)
    monkeypatch.setattr(importing, "imports", lambda: None)
    monkeypatch.setattr("aimass.usecases.retry.retry_job", retry_job)
    status, answer = call(api, "POST", "/api/v1/jobs/job-1/retry", body)
    return status, answer, given


@pytest.mark.parametrize(("body", "accepts"), [(None, False), ('{"accept_drift": true}', True)])
def test_a_retry_may_say_that_drift_is_accepted(api, monkeypatch, registry, body, accepts):
    status, _, given = retried(api, monkeypatch, registry, "import", body)
    assert (status, given) == (202, {"accept_drift": accepts})


@pytest.mark.parametrize(
    ("kind", "body"),
    [("import", '{"accept_drift": "yes"}'), ("import", '{"drift": true}'), ("prediction", '{"accept_drift": true}')],
)
def test_a_retry_that_says_something_else_is_refused_by_its_field(api, monkeypatch, registry, kind, body):
    status, answer, given = retried(api, monkeypatch, registry, kind, body)
    assert (status, answer["code"], given) == (400, "invalid_arguments", {})
    assert "drift" in json.dumps(answer["details"])

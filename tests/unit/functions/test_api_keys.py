"""Keys, repeated calls and calls a second, through the functions `api` and `authorize`."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws

from aimass.bootstrap import clients, tenancy
from aimass.domain.tenants import Limits
from aimass.protocols import records
from aimass.protocols.openapi import ANSWERS, document
from aimass.usecases.keys import create_key

ROOT = Path(__file__).parents[3]
CONTEXT = SimpleNamespace(
    function_name="api",
    memory_limit_in_mb=1,
    invoked_function_arn="arn",
    aws_request_id="id",
    get_remaining_time_in_millis=lambda: 29_000,
)
CACHED = (clients.client, tenancy.api_keys, tenancy.idempotency, tenancy.call_meter, tenancy.tenant_limits)


def table(name, *keys):
    boto3.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.fixture
def aws(monkeypatch):
    monkeypatch.setenv("TABLE_NAME", "table")
    monkeypatch.setenv("IDEMPOTENCY_TABLE", "once")
    monkeypatch.setenv("DEFAULT_LIMITS", '{"bytes": 1, "models": 1, "jobs": 1, "calls_per_second": null}')
    for one in CACHED:
        one.cache_clear()
    with mock_aws():
        table("table", "PK", "SK")
        table("once", "id")
        yield
    for one in CACHED:
        one.cache_clear()


def load(name):
    spec = importlib.util.spec_from_file_location(f"{name}_handler", ROOT / f"functions/{name}/handler.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def api():
    sys.path.insert(0, str(ROOT / "functions/api"))  # where Lambda unpacks the function
    return load("api")


@pytest.fixture
def authorize(aws):
    def ask(secret):
        return load("authorize").handler({"headers": {"authorization": f"Bearer {secret}"}}, None)

    return ask


@pytest.fixture
def call(api, aws):
    def send(method, path, body=None, tenant="acme", key=None, **authorized):
        event = {
            "version": "2.0",
            "routeKey": f"{method} {path}",
            "rawPath": path,
            "headers": {"host": "h"} | ({"idempotency-key": key} if key else {}),
            "requestContext": {
                "http": {"method": method, "path": path},
                "requestId": "request-1",
                "stage": "$default",
                "authorizer": {"lambda": {"tenant": tenant, **authorized}},
            },
            "body": json.dumps(body) if body is not None else None,
            "isBase64Encoded": False,
        }
        answer = api.handler(event, CONTEXT)
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        return answer["statusCode"], headers, json.loads(answer["body"]) if answer["body"] else None

    return send


def test_a_key_is_made_told_once_and_listed_without_its_secret(call, authorize):
    status, headers, made = call("POST", "/api/v1/keys", {"name": "ci"})
    assert (status, headers["cache-control"]) == (201, "no-store")
    secret = made.pop("secret")
    assert made.keys() == {"id", "name", "prefix", "created_at", "rotated_at", "expires_at"}
    assert call("GET", "/api/v1/keys") == (200, {"content-type": "application/json"}, {"keys": [made]})
    assert authorize(secret)["context"] == {"tenant": "acme", "key_id": made["id"]}


def test_a_rotated_key_has_a_new_secret(call, authorize):
    _, _, made = call("POST", "/api/v1/keys", {"name": "ci"})
    status, headers, rotated = call("POST", f"/api/v1/keys/{made['id']}/rotate", {"overlap_seconds": 60})
    assert (status, headers["cache-control"]) == (200, "no-store")
    assert rotated["rotated_at"] is not None
    assert [authorize(one["secret"])["isAuthorized"] for one in (made, rotated)] == [True, True]


def test_a_rotation_without_a_word_on_the_old_secret_ends_it(call, authorize):
    _, _, made = call("POST", "/api/v1/keys", {"name": "ci"})
    for body in ({}, None):
        status, _, rotated = call("POST", f"/api/v1/keys/{made['id']}/rotate", body)
        assert status == 200
        assert [authorize(one["secret"])["isAuthorized"] for one in (made, rotated)] == [False, True]
        made = rotated


def test_a_revoked_key_is_gone_and_the_last_one_stays(call, authorize):
    one, two = (call("POST", "/api/v1/keys", {"name": name})[2] for name in ("one", "two"))
    assert call("DELETE", f"/api/v1/keys/{one['id']}")[::2] == (204, None)
    assert authorize(one["secret"]) == {"isAuthorized": False}
    status, _, body = call("DELETE", f"/api/v1/keys/{two['id']}")
    assert (status, body["code"], body["details"]) == (409, "last_key", {"key_id": two["id"]})
    assert authorize(two["secret"])["isAuthorized"]


@pytest.mark.parametrize(("method", "rest"), [("DELETE", ""), ("POST", "/rotate")])
def test_another_tenants_key_is_not_found(call, method, rest):
    _, _, theirs = call("POST", "/api/v1/keys", {"name": "ci"}, tenant="other")
    status, _, body = call(method, f"/api/v1/keys/{theirs['id']}{rest}", {})
    assert (status, body["code"]) == (404, "key_not_found")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/api/v1/keys", {}, "name"),
        ("/api/v1/keys", {"name": ""}, "name"),
        ("/api/v1/keys", {"name": "x" * 101}, "name"),
        ("/api/v1/keys", {"name": "ci", "tenant": "other"}, "tenant"),
        ("/api/v1/keys", {"name": "ci", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ("/api/v1/keys", {"name": "ci", "expires_at": 7}, "expires_at"),
        ("/api/v1/keys/id/rotate", {"overlap_seconds": 604_801}, "overlap_seconds"),
        ("/api/v1/keys/id/rotate", {"overlap_seconds": -1}, "overlap_seconds"),
    ],
)
def test_a_malformed_field_is_named(call, path, body, field):
    status, _, answer = call("POST", path, body)
    assert (status, answer["code"]) == (400, "invalid_arguments")
    assert field in answer["details"]["fields"]


def test_a_repeated_call_makes_one_key_and_its_secret_is_kept_nowhere(call):
    first = call("POST", "/api/v1/keys", {"name": "ci"}, key="k")
    again = call("POST", "/api/v1/keys", {"name": "ci"}, key="k")
    assert again[0] == 201
    assert again[1]["idempotent-replayed"] == "true"
    assert again[2]["secret"] is None
    assert again[2]["id"] == first[2]["id"]
    assert len(call("GET", "/api/v1/keys")[2]["keys"]) == 1
    kept = boto3.client("dynamodb").scan(TableName="once")["Items"]
    assert first[2]["secret"] not in str(kept)


def test_the_same_key_with_another_body_is_422(call):
    call("POST", "/api/v1/keys", {"name": "ci"}, key="k")
    status, _, body = call("POST", "/api/v1/keys", {"name": "other"}, key="k")
    assert (status, body["code"]) == (422, "idempotency_mismatch")


def test_a_refused_call_may_be_corrected_under_its_key(call):
    assert call("POST", "/api/v1/keys", {"name": "ci", "expires_at": "2020-01-01T00:00:00Z"}, key="k")[0] == 400
    assert call("POST", "/api/v1/keys", {"name": "ci"}, key="k")[0] == 201


def test_a_call_under_way_is_409_with_the_time_to_wait(call, api, monkeypatch):
    inner = []

    class Keys:
        def list_keys(self, tenant):
            inner.append(call("POST", "/api/v1/keys", {"name": "ci"}, key="k"))
            return []

        def add(self, tenant, key, key_hash):
            pass

    monkeypatch.setattr(tenancy, "api_keys", Keys)
    assert call("POST", "/api/v1/keys", {"name": "ci"}, key="k")[0] == 201
    [(status, headers, body)] = inner
    assert (status, body["code"], headers["retry-after"]) == (409, "idempotency_in_progress", "1")


def test_without_a_key_or_a_limit_their_table_is_never_asked_for(call, monkeypatch):
    monkeypatch.delenv("IDEMPOTENCY_TABLE")
    assert call("POST", "/api/v1/keys", {"name": "ci"})[0] == 201


def test_more_calls_a_second_than_allowed_are_429(call):
    status, headers, body = call("GET", "/api/v1/keys", calls_per_second=0)
    assert (status, body["code"], headers["retry-after"]) == (429, "too_many_calls", "1")
    assert body["details"] == {"limit": "calls_per_second", "allowed": 0, "retry_after": 1}
    assert call("GET", "/api/v1/keys", calls_per_second=5)[0] == 200
    [item] = boto3.client("dynamodb").scan(TableName="once")["Items"]
    assert item["calls"] == {"N": "1"}


def test_the_authorizer_hands_on_what_the_tenant_was_granted(authorize):
    secret = create_key(tenancy.api_keys(), "acme")
    tenancy.tenant_limits().grant("acme", Limits(bytes=1, models=1, jobs=1, calls_per_second=7))
    assert authorize(secret)["context"]["calls_per_second"] == 7


def test_the_authorizer_says_no_more_than_no(authorize):
    assert authorize("aimass_unknown") == {"isAuthorized": False}


def test_the_answers_are_those_of_the_document(call):
    _, _, made = call("POST", "/api/v1/keys", {"name": "ci"}, key="k")
    _, _, again = call("POST", "/api/v1/keys", {"name": "ci"}, key="k")
    assert made.keys() == records.KeySecret.__required_keys__
    assert again.keys() == records.KeySecret.__annotations__.keys()
    [listed] = call("GET", "/api/v1/keys")[2]["keys"]
    assert listed.keys() == records.KeyRecord.__annotations__.keys()


def test_every_call_that_may_be_repeated_under_a_key_says_so_and_no_other(api):
    paths = document(api.app)["paths"]
    for method, path in ANSWERS:
        parameters = [one["name"] for one in paths[path][method].get("parameters", [])]
        assert ("Idempotency-Key" in parameters) == (method == "post"), (method, path)


def test_the_function_api_starts_without_powertools_idempotency():
    program = (
        "import sys; sys.path.insert(0, 'functions/api'); import handler; "
        "print([name for name in sys.modules if name == 'boto3' or 'utilities.idempotency' in name])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"

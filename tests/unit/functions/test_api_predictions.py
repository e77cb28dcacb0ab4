"""The control plane's call that asks for a prediction as a job, over a registry in process."""

import json
from types import SimpleNamespace

import pytest

from aimass.adapters.aws.predictions import S3PredictionFiles
from aimass.adapters.aws.webhooks import DynamoWebhookSecrets
from aimass.bootstrap import clients, prediction_jobs, tenancy
from aimass.domain.clock import later, now
from aimass.domain.jobs import Failure
from aimass.protocols import idempotent
from aimass.usecases.prediction_jobs import Predictions
from tests.unit.aws.test_registry import ready
from tests.unit.functions.test_api import api  # noqa: F401

PATH = "/api/v1/models/m/predictions"
CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 1000)


@pytest.fixture
def at(registry, limits, uploads):
    ready(registry)
    files = S3PredictionFiles(uploads._client, "uploads")
    return Predictions(registry, files, limits, DynamoWebhookSecrets(registry._client, "table"), None)


@pytest.fixture
def call(api, at, monkeypatch):  # noqa: F811
    monkeypatch.setattr(prediction_jobs, "predictions", lambda: at)
    monkeypatch.setattr(clients, "client", lambda service: at.registry._client)
    monkeypatch.setenv("IDEMPOTENCY_TABLE", "once")
    monkeypatch.setattr(tenancy, "call_meter", lambda: SimpleNamespace(count=lambda *asked: None))

    def run(query, body=None, **headers):
        event = {
            "version": "2.0",
            "routeKey": f"POST {PATH}",
            "rawPath": PATH,
            "headers": {"host": "h", "content-type": "application/x-npy", **headers},
            "queryStringParameters": query,
            "requestContext": {
                "http": {"method": "POST", "path": PATH},
                "requestId": "request-1",
                "stage": "$default",
                "authorizer": {"lambda": {"tenant": "t"}},
            },
            "body": body,
            "isBase64Encoded": False,
        }
        answer = api.handler(event, CONTEXT)
        return answer["statusCode"], json.loads(answer["body"])

    tenancy.idempotency.cache_clear()  # the handler holds it as it is
    yield run
    tenancy.idempotency.cache_clear()


@pytest.mark.parametrize(
    ("query", "body", "field"),
    [
        ({"input_format": "parquet"}, "x", "input_format"),
        ({"input_format": "parquet", "size": "5"}, None, "input_format"),
        ({"size": "5"}, "x", "size"),
        ({"compress": "int3"}, "x", "compress"),
    ],
)
def test_what_could_never_run_is_refused_at_once(call, at, query, body, field):
    status, told = call(query, body)
    assert (status, told["code"], list(told["details"]["fields"])) == (400, "invalid_arguments", [field])
    assert at.limits.usage_of("t").jobs == 0


@pytest.fixture
def asked(call):
    """A prediction that was asked for once with a key: the same call again, and its first answer."""
    again = lambda: call({"size": "5"}, **{"idempotency-key": "k"})  # noqa: E731
    return again, again()


def expire_urls(monkeypatch):
    monkeypatch.setattr(idempotent, "now", lambda: later(now(), hours=2))


def test_a_repeated_call_gets_its_url_again(asked):
    again, first = asked
    assert first[0] == 201
    assert again() == first


def test_a_repeated_call_gets_another_url_once_the_first_has_expired(asked, at, monkeypatch):
    again, (_, first) = asked
    before = at.registry.get_job("t", first["job_id"])
    expire_urls(monkeypatch)
    status, second = again()
    assert (status, second["job_id"], at.limits.usage_of("t").jobs) == (201, first["job_id"], 1)
    assert second["upload"]["expires_at"] > first["upload"]["expires_at"]
    assert second["upload"]["headers"] == first["upload"]["headers"]
    assert at.registry.get_job("t", first["job_id"]).call.given_up_at > before.call.given_up_at


def test_a_job_that_waits_no_more_gets_no_other_url(asked, at, monkeypatch):
    again, first = asked
    at.registry.fail("t", at.registry.get_job("t", first[1]["job_id"]), Failure("upload", "upload_expired", "late"))
    expire_urls(monkeypatch)
    assert again() == first

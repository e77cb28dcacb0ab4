"""The function that reads the queue of uploads: which messages are done, and which must come again."""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from aimass.bootstrap import importing
from aimass.domain.tenants import Limits
from aimass.usecases.start_import import Imports

ROOT = Path(__file__).parents[3]
CONTEXT = SimpleNamespace(aws_request_id="id")


class Runner:
    def __init__(self):
        self.started = []

    def start(self, name, document):
        if document["model"] == "unlucky":
            raise ConnectionError("Step Functions does not answer")
        self.started.append(document["model"])


class Unlimited:
    def limits_of(self, tenant):
        return Limits(bytes=10**12, models=100, jobs=50)


@pytest.fixture
def runner(registry, uploads, monkeypatch):
    runner = Runner()
    monkeypatch.setattr(importing, "imports", lambda: Imports(registry, uploads, runner, Unlimited()))
    return runner


@pytest.fixture(scope="module")
def handler():
    spec = importlib.util.spec_from_file_location("start_import_handler", ROOT / "functions/start_import/handler.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.handler


def message(uploads, model):
    """As SQS hands it on: EventBridge's event in the body."""
    key = f"uploads/t/{model}/a.onnx"
    put = uploads._client.put_object(Bucket="uploads", Key=key, Body=b"bytes")
    detail = {"bucket": {"name": "uploads"}, "object": {"key": key, "version-id": put["VersionId"], "size": 5}}
    event = {"detail-type": "Object Created", "source": "aws.s3", "time": "2026-11-21T09:00:00Z", "detail": detail}
    return {"messageId": f"message-{model}", "body": json.dumps(event), "eventSource": "aws:sqs"}


def test_every_message_of_a_batch_starts_its_import(handler, runner, uploads):
    answer = handler({"Records": [message(uploads, model) for model in ("one", "two")]}, CONTEXT)
    assert answer == {"batchItemFailures": []}
    assert runner.started == ["one", "two"]


def test_a_message_that_fails_comes_again_alone(handler, runner, uploads):
    answer = handler({"Records": [message(uploads, model) for model in ("one", "unlucky", "two")]}, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-unlucky"}]}
    assert runner.started == ["one", "two"]


def test_a_message_that_is_no_event_of_s3_stops_no_other(handler, runner, uploads):
    strange = {"messageId": "strange", "body": "not json", "eventSource": "aws:sqs"}
    answer = handler({"Records": [strange, message(uploads, "one")]}, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "strange"}]}
    assert runner.started == ["one"]


def test_a_batch_of_which_nothing_starts_is_a_failed_call(handler, runner, uploads):
    with pytest.raises(BatchProcessingError):
        handler({"Records": [message(uploads, "unlucky")]}, CONTEXT)


def test_a_message_that_comes_twice_makes_one_job(handler, runner, registry, uploads):
    twice = message(uploads, "one")
    for _ in range(2):
        assert handler({"Records": [twice]}, CONTEXT) == {"batchItemFailures": []}
    assert registry.next_number("t", "one") == 2

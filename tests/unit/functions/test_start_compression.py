"""The function that reads the queue of examples: which messages are done, and which must come again."""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from aimass.adapters.aws.examples import S3ExampleFiles
from aimass.bootstrap import compressing
from aimass.usecases.compressions import Compressions, Data, NewCompression, request_compression
from tests.unit.aws.test_registry import ready

ROOT = Path(__file__).parents[3]
CONTEXT = SimpleNamespace(aws_request_id="id")


class Runner:
    def __init__(self):
        self.started, self.down = [], False

    def start(self, name, document):
        if self.down:
            raise ConnectionError("Step Functions does not answer")
        self.started.append(name)


@pytest.fixture
def at(registry, uploads, limits, monkeypatch):
    ready(registry)
    at = Compressions(registry, S3ExampleFiles(uploads._client, "uploads"), Runner(), limits)
    monkeypatch.setattr(compressing, "compressions", lambda: at)
    return at


@pytest.fixture(scope="module")
def handler():
    path = ROOT / "functions/start_compression/handler.py"
    spec = importlib.util.spec_from_file_location("start_compression_handler", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.handler


def message(key):
    """As SQS hands it on: EventBridge's event in the body."""
    detail = {"bucket": {"name": "uploads"}, "object": {"key": key, "version-id": "v", "size": 4}}
    event = {"detail-type": "Object Created", "source": "aws.s3", "time": "2026-11-21T09:00:00Z", "detail": detail}
    return {"messageId": key, "body": json.dumps(event), "eventSource": "aws:sqs"}


@pytest.fixture
def job(at):
    return request_compression(at, "t", NewCompression("m", 1, data=Data(4, "rows.csv")))


def test_the_job_whose_file_came_starts_and_what_nobody_waits_for_is_done_too(handler, at, job):
    keys = ["data/t/digits/a.png", f"data/t/{job.id}/rows.csv"]
    assert handler({"Records": [message(key) for key in keys]}, CONTEXT) == {"batchItemFailures": []}
    assert at.runner.started == [f"compress-{job.id}"]


def test_a_message_that_is_no_event_of_s3_stops_no_other(handler, at, job):
    strange = {"messageId": "strange", "body": "not json", "eventSource": "aws:sqs"}
    answer = handler({"Records": [strange, message(f"data/t/{job.id}/rows.csv")]}, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "strange"}]}
    assert at.runner.started == [f"compress-{job.id}"]


def test_a_start_that_fails_comes_again(handler, at, job):
    at.runner.down = True
    event = {"Records": [message(f"data/t/{job.id}/rows.csv")]}
    with pytest.raises(BatchProcessingError):
        handler(event, CONTEXT)
    at.runner.down = False
    assert handler(event, CONTEXT) == {"batchItemFailures": []}
    assert at.runner.started == [f"compress-{job.id}"]

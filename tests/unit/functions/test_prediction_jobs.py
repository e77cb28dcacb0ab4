"""The two functions behind prediction jobs: one makes the calls, one tells how they ended."""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from aimass.adapters.aws.predictions import S3PredictionFiles
from aimass.adapters.aws.webhooks import DynamoWebhookSecrets
from aimass.bootstrap import predicting, prediction_jobs, stores
from aimass.domain.ports import PageRequest
from aimass.usecases.predict import Predictor
from aimass.usecases.prediction_jobs import NewPrediction, Predictions, read_answer, request_prediction
from aimass.usecases.run_prediction import Runs
from aimass.usecases.webhooks import Deliveries, rotate_secret
from tests.unit.aws.test_registry import ready

ROOT = Path(__file__).parents[3]
CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000)
JSON = {"content-type": "application/json"}


class Queue:
    def __init__(self):
        self.announced, self.hidden = [], []

    def announce(self, *told):
        self.announced.append(told)

    def again_in(self, receipt, seconds):
        self.hidden.append((receipt, seconds))


@pytest.fixture
def queue():
    return Queue()


@pytest.fixture
def at(registry, limits, uploads, queue, monkeypatch):
    ready(registry)
    files = S3PredictionFiles(uploads._client, "uploads")
    monkeypatch.setattr(prediction_jobs, "prediction_runs", lambda: Runs(registry, files, queue))
    monkeypatch.setattr(predicting, "predictor", lambda: Predictor(registry, None, 600))
    monkeypatch.setattr(stores, "webhook_queue", lambda: queue)
    return Predictions(registry, files, limits, DynamoWebhookSecrets(registry._client, "table"), queue)


def handler_of(folder):
    spec = importlib.util.spec_from_file_location(f"{folder}_handler", ROOT / "functions" / folder / "handler.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.handler


def message(at, job, receives=1):
    """As SQS hands it on: EventBridge's event in the body."""
    (body,) = at.files._client.list_object_versions(Bucket="uploads", Prefix=job.call.key)["Versions"]
    detail = {"object": {"key": job.call.key, "version-id": body["VersionId"], "size": body["Size"]}}
    attributes = {"ApproximateReceiveCount": str(receives)}
    return {
        "messageId": "one",
        "body": json.dumps({"detail": detail}),
        "attributes": attributes,
        "eventSource": "aws:sqs",
    }


def test_what_the_wire_says_of_a_call_is_the_jobs_answer_and_its_failure(at):
    job = request_prediction(at, "t", NewPrediction("m", {"wrong": "1"}, JSON, b"{}"))
    assert handler_of("run_prediction")({"Records": [message(at, job)]}, CONTEXT) == {"batchItemFailures": []}
    ended = at.registry.get_job("t", job.id)
    said = json.loads(read_answer(at, ended))
    assert (ended.state, ended.answer.status, ended.error.code) == ("failed", 400, "invalid_arguments")
    assert (said["code"], said["error"]) == (ended.error.code, ended.error.message)
    assert said["request_id"] == job.id


def test_a_store_that_is_down_makes_the_message_come_again(at, monkeypatch):
    def down(*_):
        raise OSError("unreachable")

    job = request_prediction(at, "t", NewPrediction("m", {}, JSON, b"{}"))
    monkeypatch.setattr(at.files, "read_input", down)
    with pytest.raises(BatchProcessingError):
        handler_of("run_prediction")({"Records": [message(at, job)]}, CONTEXT)
    assert at.registry.get_job("t", job.id).state == "running"


class Receiver:
    def __init__(self, status):
        self.status = status

    def post(self, target, headers, body):
        self.told = json.loads(body)
        return self.status


def told(at, monkeypatch, status, receives=1):
    rotate_secret(at.secrets, "t")
    job = request_prediction(at, "t", NewPrediction("m", {}, JSON, b"{}", webhook="https://example.com/"))
    handler_of("run_prediction")({"Records": [message(at, job)]}, CONTEXT)
    ((tenant, job_id, attempt),) = at.webhooks.announced
    receiver = Receiver(status)
    monkeypatch.setattr(prediction_jobs, "deliveries", lambda view: Deliveries(at.registry, at.secrets, receiver, view))
    record = {
        "messageId": "one",
        "receiptHandle": "receipt",
        "body": json.dumps({"tenant": tenant, "job_id": job_id, "attempt": attempt}),
        "attributes": {"ApproximateReceiveCount": str(receives)},
    }
    return job, receiver, handler_of("deliver_webhook")({"Records": [record]}, CONTEXT)


def test_a_receiver_that_hears_gets_the_jobs_public_record(at, monkeypatch, queue):
    job, receiver, answer = told(at, monkeypatch, 200)
    assert answer == {"batchItemFailures": []}
    assert queue.hidden == []
    data = receiver.told["data"]
    assert (data["job_id"], data["state"], data["kind"]) == (job.id, "failed", "prediction")
    assert "url" not in data["result"]
    assert "predictions/" not in json.dumps(data), "where things are stored is nobody's business"


def test_a_receiver_that_fails_leaves_the_message_hidden_for_a_while_and_at_last_gone(at, monkeypatch, queue):
    _, _, answer = told(at, monkeypatch, 500, receives=2)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "one"}]}
    assert queue.hidden == [("receipt", 60)]


def test_after_the_last_try_the_message_is_gone_and_the_log_says_so(at, monkeypatch, queue):
    job, _, answer = told(at, monkeypatch, 500, receives=8)
    assert answer == {"batchItemFailures": []}
    lines = at.registry.read_log("t", job.id, PageRequest()).items
    assert lines[-1].message == "webhook not delivered, try 8: it answered 500; given up"

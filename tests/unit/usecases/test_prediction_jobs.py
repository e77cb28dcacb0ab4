"""Prediction jobs, on the real registry and store in process: asked for, run, ended, run again."""

import json
from dataclasses import replace

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from aimass.adapters.aws.due import DynamoDueList
from aimass.adapters.aws.predictions import S3PredictionFiles
from aimass.adapters.aws.webhooks import DynamoWebhookSecrets
from aimass.domain.clock import later, now
from aimass.domain.errors import (
    AnswerExpired,
    InvalidArguments,
    JobNotCancellable,
    JobNotEnded,
    JobNotRetryable,
    LimitExceeded,
    ModelNotFound,
    NoAnswer,
    NotFound,
    PayloadTooLarge,
    VersionNotFound,
    WebhookSecretMissing,
)
from aimass.domain.jobs import Failure
from aimass.domain.ports import PageRequest
from aimass.usecases.fail_job import fail_job
from aimass.usecases.prediction_jobs import (
    MAX_INPUT_BYTES,
    NewPrediction,
    Predictions,
    cancel_prediction,
    input_url,
    read_answer,
    request_prediction,
    retry_prediction,
    stored_answer,
)
from aimass.usecases.run_prediction import (
    ATTEMPT_SECONDS,
    LOST_SECONDS,
    Answered,
    ArrivedInput,
    Runs,
    pinned,
    run_prediction,
)
from aimass.usecases.settle import House, settle_due
from aimass.usecases.webhooks import rotate_secret
from tests.unit.aws.test_registry import move, ready
from tests.unit.conftest import LIMITS

JSON = {"content-type": "application/json"}
HOOK = "https://example.com/hook"
OK = Answered(200, {"content-type": "application/json", "x-model-version": "1"}, b'{"prediction":[1]}')


@pytest.fixture
def at(registry, limits, uploads, webhooks):
    ready(registry)
    files = S3PredictionFiles(uploads._client, "uploads")
    return Predictions(registry, files, limits, DynamoWebhookSecrets(registry._client, "table"), webhooks)


@pytest.fixture
def runs(at):
    return Runs(at.registry, at.files, at.webhooks)


def asked(at, body=b'{"data": [1]}', model="m", query=None, headers=JSON, **more):
    return request_prediction(at, "t", NewPrediction(model, query or {}, headers, body, **more))


def arrived(at, job, receives=1):
    listed = at.files._client.list_object_versions(Bucket="uploads", Prefix=job.call.key)["Versions"]
    newest = next(one for one in listed if one["IsLatest"])
    return ArrivedInput(job.call.key, newest["VersionId"], receives)


def answering(answered=OK):
    def answer(job, body):
        answer.calls.append((job, body))
        return answered

    answer.calls = []
    return answer


def never(job, body):
    raise AssertionError("called")


def killed(job, body):
    raise KeyboardInterrupt


def log_of(at, job):
    return [line.message for line in at.registry.read_log("t", job.id, PageRequest()).items]


def test_a_body_waits_under_its_tenant_and_its_event_makes_the_call_and_keeps_the_answer(at, runs):
    job = asked(at, headers={**JSON, "accept": "*/*"}, query={"compress": "original"})
    assert (job.state, job.kind, job.version, at.limits.usage_of("t").jobs) == ("waiting", "prediction", 1, 1)
    assert job.call.key == f"predictions/in/t/{job.id}"
    answer = answering()
    assert run_prediction(runs, arrived(at, job), answer) == "succeeded"
    ((called, body),) = answer.calls
    assert body == b'{"data": [1]}'
    assert (called.call.query, called.call.headers) == ({"compress": "original"}, {**JSON, "accept": "*/*"})
    ended = at.registry.get_job("t", job.id)
    assert (ended.state, ended.step, ended.error) == ("succeeded", "predict", None)
    assert (ended.answer.status, ended.answer.headers, ended.answer.size) == (200, OK.headers, len(OK.body))
    assert ended.answer.key == f"predictions/out/t/{job.id}"
    assert read_answer(at, ended) == OK.body
    assert at.limits.usage_of("t").jobs == 0
    assert log_of(at, job)[-1].startswith("answered 200 with 18 bytes after")


def test_a_refusal_is_the_jobs_failure_and_is_kept_as_it_was_said(at, runs):
    failure = Failure("predict", "invalid_arguments", "no", {"fields": {"x": "missing"}})
    job = asked(at)
    assert (
        run_prediction(runs, arrived(at, job), answering(Answered(400, JSON, b'{"error": "no"}', failure))) == "failed"
    )
    ended = at.registry.get_job("t", job.id)
    assert (ended.state, ended.error, stored_answer(ended).status) == ("failed", failure, 400)
    assert read_answer(at, ended) == b'{"error": "no"}'


@pytest.mark.parametrize(
    ("query", "body", "headers", "said", "number"),
    [
        ({}, b"[1]", JSON, None, 2),
        ({"version": "1"}, b"[1]", JSON, "1", 1),
        ({"version": "canary"}, b"", {"content-type": "text/csv"}, "canary", 1),
        ({}, b'{"version": "canary"}', JSON, "canary", 1),
        ({}, b' {"version": 1}', {}, "1", 1),
        ({}, b'{"version": 1}', {"content-type": "text/plain"}, None, 2),
        ({}, b'{"version": 1', JSON, None, 2),
        ({}, b'{"version": true}', JSON, None, 2),
    ],
)
def test_the_version_is_found_when_the_job_is_made(at, query, body, headers, said, number):
    ready(at.registry, 2)
    move(at.registry, 1, "canary")
    job = asked(at, body or None, query=query, headers=headers, size=0 if body else 5)
    assert (job.call.asked, job.version) == (said, number)


def test_what_was_named_means_at_the_run_what_it_meant_then(at):
    def find(tenant, model, ref):
        return ref

    ready(at.registry, 2)
    move(at.registry, 1, "canary")
    by_name, by_default = asked(at, query={"version": "canary"}), asked(at)
    move(at.registry, 2, "canary")
    assert pinned(find, by_name)("t", "m", "canary") == 1
    assert pinned(find, by_default)("t", "m", None) == 2
    assert pinned(find, by_default)("t", "m", "canary") == "canary", "named in a body sent to a URL"


def test_the_version_that_answered_is_the_jobs(at, runs):
    ready(at.registry, 2)
    job = asked(at)
    run_prediction(runs, arrived(at, job), answering(replace(OK, headers={**OK.headers, "x-model-version": "1"})))
    assert (job.version, at.registry.get_job("t", job.id).version) == (2, 1)


@pytest.mark.parametrize(
    ("new", "error"),
    [
        (NewPrediction("nobody", {}, JSON, b"1"), ModelNotFound),
        (NewPrediction("m", {"version": "9"}, JSON, b"1"), VersionNotFound),
        (NewPrediction("m", {}, JSON, b""), InvalidArguments),
        (NewPrediction("m", {}, JSON, b'{"model_name": "other", "data": [1]}'), InvalidArguments),
        (NewPrediction("m", {"version": "1"}, JSON, b'{"model_name": "other"}'), InvalidArguments),
        (NewPrediction("m", {"compress": "int8"}, JSON, b"[1]"), InvalidArguments),
        (NewPrediction("m", {"compress": "int8"}, {"content-type": "image/png"}, size=5), InvalidArguments),
        (NewPrediction("m", {"compress": "int8", "version": "1"}, JSON, size=5), InvalidArguments),
        (NewPrediction("m", {}, {"accept": "x" * 2000}, b"1"), InvalidArguments),
        (NewPrediction("m", {}, JSON, size=MAX_INPUT_BYTES + 1), PayloadTooLarge),
        (NewPrediction("m", {}, JSON, b"1", webhook=HOOK), WebhookSecretMissing),
        (NewPrediction("m", {}, JSON, b"1", webhook="https://10.0.0.1/"), InvalidArguments),
    ],
)
def test_what_is_refused_leaves_no_job(at, new, error):
    with pytest.raises(error):
        request_prediction(at, "t", new)
    assert at.registry.list_jobs("t", PageRequest(), state="waiting", model=None).items == ()
    assert at.limits.usage_of("t").jobs == 0


@pytest.mark.parametrize(
    ("query", "body", "headers"),
    [
        ({"compress": "null"}, b"[1]", JSON),
        ({}, b'{"model_name": "m"}', JSON),
        ({"compress": "int8"}, None, JSON),
        ({"compress": "int8"}, b"\x1f\x8b", {**JSON, "content-encoding": "gzip"}),
        ({"compress": "int8"}, b"--x", {"content-type": "multipart/form-data; boundary=x"}),
    ],
)
def test_what_only_its_run_can_judge_is_taken(at, query, body, headers):
    assert asked(at, body, query=query, headers=headers, size=0 if body else 5).state == "waiting"


def test_a_refused_variant_is_told_which_there_are(at):
    with pytest.raises(InvalidArguments) as caught:
        asked(at, query={"compress": "int8"})
    assert caught.value.details["fields"] == {"compress": "version 1 has no variant 'int8'; there are: 'original'"}


def test_jobs_beyond_the_tenants_limit_are_refused_at_once(at):
    at.limits.grant("t", replace(LIMITS, jobs=1))
    asked(at)
    with pytest.raises(LimitExceeded):
        asked(at)


def test_a_large_body_goes_to_a_url_that_takes_its_very_size_and_type(at):
    job = asked(at, None, headers={"content-type": "image/png"}, size=12345)
    url = input_url(at, job, 12345)
    assert f"predictions/in/t/{job.id}" in url
    assert "X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost" in url
    assert "X-Amz-Expires=3600" in url


def test_a_body_that_cannot_be_stored_fails_the_job(at, monkeypatch):
    def down(*_):
        raise OSError("unreachable")

    monkeypatch.setattr(at.files, "put_input", down)
    with pytest.raises(OSError, match="unreachable"):
        asked(at)
    (job,) = at.registry.list_jobs("t", PageRequest(), state="failed", model="m").items
    assert (job.state, job.error.code, at.limits.usage_of("t").jobs) == ("failed", "upload_failed", 0)


def test_a_doubled_event_does_nothing_while_the_attempt_runs_nor_once_it_has_ended(at, runs):
    job = asked(at)
    event = arrived(at, job)

    def doubled(job, body):
        assert run_prediction(runs, event, never) is None
        return OK

    assert run_prediction(runs, event, doubled) == "succeeded"
    assert run_prediction(runs, event, never) is None
    assert len(at.registry.get_job("t", job.id).steps) == 1


def test_an_event_of_no_job_or_of_an_import_does_nothing(at, runs):
    assert run_prediction(runs, ArrivedInput("predictions/in/t/nobody", "v"), never) is None
    assert run_prediction(runs, ArrivedInput("predictions/in/t/job-1", "v"), never) is None


def given_up(at, job):
    """As it is once the attempt's time is over."""
    running = at.registry.get_job("t", job.id)
    over = replace(running, call=replace(running.call, given_up_at=later(now(), seconds=-1)))
    at.registry.start_prediction("t", over, was=running)


def test_an_attempt_that_died_is_made_again_over_the_same_bytes_when_its_message_comes_again(at, runs):
    job = asked(at)
    event = arrived(at, job)
    with pytest.raises(KeyboardInterrupt):
        run_prediction(runs, event, killed)
    assert run_prediction(runs, replace(event, receives=2), never) is None, "it may still be at work"
    given_up(at, job)
    at.files.put_input(job.call.key, b"other bytes", "text/plain")
    answer = answering()
    assert run_prediction(runs, replace(arrived(at, job), receives=2), answer) == "succeeded"
    ((called, body),) = answer.calls
    assert (called.attempt, body) == (2, b'{"data": [1]}')


def test_an_attempt_that_dies_every_time_ends_the_job(at, runs):
    job = asked(at)
    event = arrived(at, job)
    for receives in (1, 2, 3):
        with pytest.raises(KeyboardInterrupt):
            run_prediction(runs, replace(event, receives=receives), killed)
        given_up(at, job)
    assert run_prediction(runs, replace(event, receives=4), never) == "failed"
    ended = at.registry.get_job("t", job.id)
    assert (ended.error.code, ended.attempt, at.limits.usage_of("t").jobs) == ("prediction_interrupted", 3, 0)


def settle(at, moment, registry=None):
    due = DynamoDueList(at.registry._client, "table")
    house = House(registry or at.registry, None, None, due, at.webhooks, at.files)
    counts = settle_due(house, moment, lambda: True)
    return {what: count for what, count in counts.items() if what.startswith("predictions")}


def test_a_body_that_never_comes_ends_its_job_after_its_url_has(at):
    job = asked(at, None, size=5)
    assert settle(at, later(now(), hours=1)) == {}
    assert settle(at, later(now(), hours=2)) == {"predictions_expired": 1}
    assert at.registry.get_job("t", job.id).error.code == "upload_expired"
    assert at.limits.usage_of("t").jobs == 0


def test_a_body_that_is_there_waits_in_a_long_queue_until_it_expires(at, runs):
    at_once, by_url = asked(at), asked(at, None, size=5)
    at.files.put_input(by_url.call.key, b"[1,2]", "application/json")
    assert settle(at, later(now(), days=6)) == {}
    assert run_prediction(runs, arrived(at, by_url), answering()) == "succeeded"
    assert settle(at, later(now(), days=8)) == {"predictions_expired": 1}
    assert at.registry.get_job("t", at_once.id).error.code == "input_expired"
    assert at.limits.usage_of("t").jobs == 0


def test_a_job_that_starts_while_the_sweep_looks_at_it_goes_on(at, runs):
    job = asked(at, None, size=5)

    class Slow:
        def __getattr__(self, name):
            return getattr(at.registry, name)

        def fail(self, *ended):
            at.files.put_input(job.call.key, b"[1,2]", "application/json")
            run_prediction(runs, arrived(at, job), answering())
            at.registry.fail(*ended)

    assert settle(at, later(now(), hours=2), Slow()) == {}
    ended = at.registry.get_job("t", job.id)
    assert ended.state == "succeeded"
    left = DynamoDueList(at.registry._client, "table").due(later(now(), minutes=80))
    assert [reminder.at for reminder in left] == [ended.call.given_up_at], "that of its attempt alone"


def test_an_attempt_that_died_and_whose_message_never_comes_again_is_ended_by_the_sweep(at, runs):
    job = asked(at)
    with pytest.raises(KeyboardInterrupt):
        run_prediction(runs, arrived(at, job), killed)
    assert settle(at, later(now(), seconds=ATTEMPT_SECONDS + 60)) == {}, "its message is about to come again"
    assert settle(at, later(now(), seconds=ATTEMPT_SECONDS + LOST_SECONDS + 60)) == {"predictions_interrupted": 1}
    assert at.registry.get_job("t", job.id).error.code == "prediction_interrupted"


def test_a_job_that_has_ended_only_loses_its_reminders(at, runs):
    job = asked(at)
    run_prediction(runs, arrived(at, job), answering())
    assert settle(at, later(now(), days=1)) == {}
    assert at.registry.get_job("t", job.id).state == "succeeded"


def cancel(at, job):
    return cancel_prediction(at, None, None, "t", at.registry.get_job("t", job.id))


def test_a_cancelled_job_never_runs_and_one_that_runs_keeps_no_answer(at, runs):
    waiting, running = asked(at), asked(at)
    assert cancel(at, waiting).state == "cancelled"
    assert run_prediction(runs, arrived(at, waiting), never) is None

    def cancelled_meanwhile(job, body):
        assert cancel(at, running).state == "cancelled"
        return OK

    assert run_prediction(runs, arrived(at, running), cancelled_meanwhile) is None
    ended = at.registry.get_job("t", running.id)
    assert (ended.state, ended.answer, at.limits.usage_of("t").jobs) == ("cancelled", None, 0)
    with pytest.raises(NoAnswer, match="cancelled"):
        stored_answer(ended)


def test_what_has_ended_is_not_cancelled(at, runs):
    job = asked(at)
    run_prediction(runs, arrived(at, job), answering())
    with pytest.raises(JobNotCancellable):
        cancel(at, job)


def test_an_answer_is_there_from_the_end_until_it_expires(at, runs):
    job = asked(at)
    with pytest.raises(JobNotEnded):
        stored_answer(job)
    run_prediction(runs, arrived(at, job), answering())
    ended = at.registry.get_job("t", job.id)
    assert ended.call.expires_at == later(job.created_at, days=7)
    with pytest.raises(AnswerExpired):
        stored_answer(replace(ended, call=replace(ended.call, expires_at=now())))
    at.files._client.delete_object(Bucket="uploads", Key=ended.answer.key, VersionId=ended.answer.version_id)
    with pytest.raises(AnswerExpired):
        read_answer(at, ended)
    with pytest.raises(NoAnswer, match="import"):
        stored_answer(at.registry.get_job("t", "job-1"))


def test_a_failed_job_runs_again_over_its_body_and_its_version(at, runs):
    job = asked(at)
    failure = Failure("predict", "busy", "busy")
    run_prediction(runs, arrived(at, job), answering(Answered(503, JSON, b"{}", failure)))
    ready(at.registry, 2)
    again = retry_prediction(at, "t", at.registry.get_job("t", job.id))
    assert (again.state, again.attempt, again.error, again.answer) == ("waiting", 2, None, None)
    assert again.call.given_up_at == again.call.expires_at > job.call.expires_at, "its input is stored anew"
    assert at.limits.usage_of("t").jobs == 1
    event = arrived(at, again)
    assert event.version_id != again.call.version_id, "S3 tells of it anew"
    answer = answering()
    assert run_prediction(runs, event, answer) == "succeeded"
    ((called, body),) = answer.calls
    assert (called.version, body) == (1, b'{"data": [1]}')


def test_a_job_that_was_given_up_runs_again_when_its_body_came_after_all(at, runs):
    job = asked(at, None, size=5)
    settle(at, later(now(), hours=2))
    at.files.put_input(job.call.key, b"[1,2]", "application/json")
    again = retry_prediction(at, "t", at.registry.get_job("t", job.id))
    answer = answering()
    assert run_prediction(runs, arrived(at, again), answer) == "succeeded"
    assert [body for _, body in answer.calls] == [b"[1,2]"]


def test_a_retry_whose_body_cannot_be_stored_leaves_no_job_waiting(at, monkeypatch):
    def down(*_):
        raise OSError("unreachable")

    job = cancel(at, asked(at))
    monkeypatch.setattr(at.files, "repeat_input", down)
    with pytest.raises(OSError, match="unreachable"):
        retry_prediction(at, "t", job)
    failed = at.registry.get_job("t", job.id)
    assert (failed.state, failed.error.code, at.limits.usage_of("t").jobs) == ("failed", "upload_failed", 0)


def test_what_may_not_be_listed_is_gone_when_it_is_refused():
    """S3 answers 403 for what is not there to whom may not list the bucket."""
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    files = S3PredictionFiles(client, "uploads")
    with Stubber(client) as stubbed:
        for operation in ("get_object", "copy_object", "head_object"):
            stubbed.add_client_error(operation, "AccessDenied", http_status_code=403)
        with pytest.raises(NotFound):
            files.read_input("predictions/in/t/j", "v")
        with pytest.raises(NotFound):
            files.repeat_input("predictions/in/t/j", "v", "text/csv")
        assert files.find_input("predictions/in/t/j") is None
        stubbed.add_client_error("head_object", "SlowDown", http_status_code=503)
        with pytest.raises(ClientError):
            files.find_input("predictions/in/t/j")


def test_what_cannot_run_again_says_why(at, runs):
    job = asked(at)
    with pytest.raises(JobNotRetryable, match="is waiting"):
        retry_prediction(at, "t", job)
    with pytest.raises(JobNotRetryable, match="never had its body"):
        retry_prediction(at, "t", cancel(at, asked(at, None, size=5)))
    run_prediction(runs, arrived(at, job), answering(Answered(400, JSON, b"{}", Failure("predict", "x", "y"))))
    ended = at.registry.get_job("t", job.id)
    at.files._client.delete_object(Bucket="uploads", Key=job.call.key, VersionId=ended.call.version_id)
    with pytest.raises(JobNotRetryable, match="7 days"):
        retry_prediction(at, "t", ended)
    assert at.registry.get_job("t", job.id).error.code == "input_expired"
    assert at.limits.usage_of("t").jobs == 0


def test_every_end_of_a_job_with_a_webhook_is_announced_before_it_is_written(at, runs, webhooks):
    rotate_secret(at.secrets, "t")
    answered_job, cancelled, died = (asked(at, webhook=HOOK) for _ in range(3))
    expired = asked(at, None, size=5, webhook=HOOK)
    states = []
    announce = webhooks.announce
    webhooks.announce = lambda *told: (states.append(at.registry.get_job("t", told[1]).finished_at), announce(*told))
    run_prediction(runs, arrived(at, answered_job), answering())
    cancel(at, cancelled)
    with pytest.raises(KeyboardInterrupt):
        run_prediction(runs, arrived(at, died), killed)
    settle(at, later(now(), hours=2))
    told = {job_id for _, job_id, _ in webhooks.announced}
    assert told == {job.id for job in (answered_job, cancelled, expired, died)}
    assert states == [None] * 4
    asked_without = asked(at)
    run_prediction(runs, arrived(at, asked_without), answering())
    assert len(webhooks.announced) == 4


def test_a_message_that_comes_again_after_the_end_tells_of_it_again(at, runs, webhooks):
    """Whoever ended it, as a restart of the machine does, may not have come to tell."""
    rotate_secret(at.secrets, "t")
    job = asked(at, webhook=HOOK)
    event = arrived(at, job)
    at.registry.fail("t", job, Failure("predict", "interrupted", "x"))
    run_prediction(runs, event, never)
    assert webhooks.announced == []
    run_prediction(runs, replace(event, receives=2), never)
    assert webhooks.announced == [("t", job.id, 1)]


def test_one_that_a_restart_cut_off_is_ended_as_an_import_is_and_runs_again_when_asked(at, runs, webhooks):
    rotate_secret(at.secrets, "t")
    job = asked(at, webhook=HOOK)
    event = arrived(at, job)
    with pytest.raises(KeyboardInterrupt):
        run_prediction(runs, event, killed)
    before = at.registry.get_version("t", "m", 1)
    fail_job(at.registry, "t", job.id, 1, Failure("predict", "interrupted", "x"))
    ended = at.registry.get_job("t", job.id)
    assert (ended.state, ended.error.code, at.limits.usage_of("t").jobs) == ("failed", "interrupted", 0)
    assert at.registry.get_version("t", "m", 1) == before
    run_prediction(runs, replace(event, receives=2), never)
    assert webhooks.announced == [("t", job.id, 1)]
    again = retry_prediction(at, "t", ended)
    assert run_prediction(runs, arrived(at, again), answering()) == "succeeded"


def test_jobs_of_before_can_still_be_read(at):
    item = at.registry._client.get_item(TableName="table", Key={"PK": {"S": "T#t"}, "SK": {"S": "JOB#job-1"}})["Item"]
    for name in ("call", "answer"):
        del item[name]
    at.registry._client.put_item(TableName="table", Item=item)
    job = at.registry.get_job("t", "job-1")
    assert (job.call, job.answer, json.dumps(job.filename)) == (None, None, '"m.onnx"')

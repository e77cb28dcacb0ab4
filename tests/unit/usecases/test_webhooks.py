"""Webhooks: signed, told until they are heard, and given up at last."""

import json
from dataclasses import replace

import pytest
from standardwebhooks import Webhook

from aimass.adapters.aws.webhooks import DynamoWebhookSecrets
from aimass.domain.clock import later, now
from aimass.domain.jobs import Job, PredictionCall
from aimass.domain.ports import PageRequest
from aimass.domain.webhooks import NotDelivered
from aimass.usecases.webhooks import PAUSES, Announced, Deliveries, deliver, rotate_secret
from tests.unit.conftest import LIMITS

CALL = PredictionCall("predictions/in/t/j", {}, {}, now(), later(now(), days=7), webhook="https://example.com/hook?a=1")
WAITING = Job("j", "prediction", "m", 1, "", "waiting", now(), call=CALL)


class Receiver:
    def __init__(self):
        self.status, self.posts = 204, []

    def post(self, target, headers, body):
        self.posts.append((target, headers, body))
        if isinstance(self.status, Exception):
            raise self.status
        return self.status


@pytest.fixture
def at(registry):
    store = DynamoWebhookSecrets(registry._client, "table")
    return Deliveries(registry, store, Receiver(), lambda job: {"job_id": job.id, "state": job.state})


@pytest.fixture
def secret(at):
    return rotate_secret(at.secrets, "t").secret


@pytest.fixture
def ended(registry, secret):
    registry.reserve_prediction("t", WAITING, LIMITS)
    job = replace(WAITING, state="succeeded", finished_at=now())
    registry.end_prediction("t", job, was=WAITING)
    return job


def told(at, tries=1, attempt=1, job_id="j"):
    return deliver(at, Announced("t", job_id, attempt, tries))


def log_of(registry):
    return [line.message for line in registry.read_log("t", "j", PageRequest()).items]


def test_the_receiver_gets_the_record_signed_so_that_the_public_library_takes_it(at, ended, secret, registry):
    assert told(at) is None
    ((target, headers, body),) = at.sender.posts
    assert (target.host, target.port, target.path, target.secure) == ("example.com", 443, "/hook?a=1", True)
    said = Webhook(secret).verify(body, headers)
    data = {"job_id": "j", "state": "succeeded"}
    assert said == {"type": "prediction.succeeded", "timestamp": ended.finished_at, "data": data}
    assert log_of(registry) == ["webhook delivered, try 1: it answered 204"]


@pytest.mark.parametrize("status", [500, 302, 410, NotDelivered("no answer within 10 s")])
def test_whoever_does_not_answer_2xx_is_told_again_later_each_time_under_the_same_id(at, ended, status, registry):
    at.sender.status = status
    pauses = [told(at, tries) for tries in range(1, 9)]
    assert pauses == [*PAUSES, None]
    assert sorted(PAUSES) == list(PAUSES)
    assert max(PAUSES) <= 12 * 3600, "the longest that SQS hides a message"
    assert len({headers["webhook-id"] for _, headers, _ in at.sender.posts}) == 1
    assert len({body for *_, body in at.sender.posts}) == 1
    lines = log_of(registry)
    assert lines[0].endswith("; next in 10 s")
    assert lines[-1].endswith("; given up")


def test_a_job_whose_end_is_not_written_yet_is_told_of_when_it_is(at, secret, registry):
    registry.reserve_prediction("t", WAITING, LIMITS)
    assert told(at) == PAUSES[0]
    assert at.sender.posts == []
    registry.end_prediction("t", replace(WAITING, state="cancelled", finished_at=now()), was=WAITING)
    assert told(at, tries=2) is None
    assert json.loads(at.sender.posts[0][2])["type"] == "prediction.cancelled"


def test_an_attempt_that_was_made_anew_is_not_told_of_and_nor_is_a_job_without_a_webhook(at, ended):
    assert told(at, attempt=2) is None
    assert told(at, job_id="nobody") is None
    assert at.sender.posts == []


def test_after_another_secret_was_made_the_one_before_signs_for_a_day(at, ended, secret):
    new = rotate_secret(at.secrets, "t")
    told(at)
    _, headers, body = at.sender.posts[0]
    assert Webhook(secret).verify(body, headers) == Webhook(new.secret).verify(body, headers)
    assert new.valid(later(now(), hours=23)) == [new.secret, secret]
    assert new.valid(later(now(), hours=25)) == [new.secret]
    third = rotate_secret(at.secrets, "t")
    assert third.valid(now()) == [third.secret, new.secret]


def test_secrets_are_a_tenants_own(at, secret):
    assert rotate_secret(at.secrets, "u").secret != secret
    assert at.secrets.find("t").secret == secret
    assert at.secrets.find("nobody") is None

"""Predictions as jobs: the answer is the direct call's, however large, and whoever wants to is told of it."""

import io
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests
from standardwebhooks import Webhook, WebhookVerificationError

from local.aws import client as aws_client
from tests.e2e.client import Client
from tests.e2e.test_uploads import ROWS, WEIGHTS, linear

pytestmark = pytest.mark.e2e

MODEL = "predicted-later"
JOBS = f"/api/v1/models/{MODEL}/predictions"
BODY = {"input_format": "numpy array", "data": ROWS.tolist()}


@pytest.fixture(scope="module")
def tenant(stack):
    caller = Client(stack.url, stack.key("predicts-later"))
    assert caller.import_model(MODEL, linear())["state"] == "succeeded"
    return caller


def ask(tenant, path=JOBS, **sent):
    accepted = tenant.call("POST", path, **(sent or {"json": BODY}))
    assert accepted.status_code in {201, 202}, accepted.text
    return accepted.json()


def answered(tenant, path=JOBS, **sent):
    job = tenant.await_job(ask(tenant, path, **sent)["job_id"])
    return job, tenant.call("GET", f"/api/v1/jobs/{job['job_id']}/result")


def await_line(tenant, job_id, text, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        lines = tenant.call("GET", f"/api/v1/jobs/{job_id}/log").json()["lines"]
        found = [line["message"] for line in lines if text in line["message"]]
        if found:
            return found[0]
        time.sleep(0.1)
    raise AssertionError(f"no {text!r} in {lines}")


def npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


@pytest.mark.parametrize(
    "sent",
    [
        {"json": BODY},
        {"json": {"input_format": "json", "data": [{"x": row} for row in ROWS.tolist()]}},
        {"data": npy(ROWS), "headers": {"Content-Type": "application/x-npy"}},
        {"files": {"data": ("x.npy", npy(ROWS), "application/x-npy")}},
    ],
    ids=["numpy array", "json", "npy", "form"],
)
def test_the_answer_is_byte_for_byte_that_of_the_direct_call(tenant, sent):
    job, answer = answered(tenant, **sent)
    direct = tenant.call("POST", f"/predict/{MODEL}", **sent)
    assert (answer.status_code, answer.content) == (200, direct.content) == (direct.status_code, direct.content)
    for header in ("content-type", "x-model-version", "x-model-variant"):
        assert answer.headers[header] == direct.headers[header]
    assert (job["state"], job["kind"], job["version"]) == ("succeeded", "prediction", 1)
    assert requests.get(job["result"]["url"], timeout=60).content == direct.content
    assert job["result"]["size"] == len(direct.content)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"json": {**BODY, "data": [[1, 2]]}}, 400),
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"json": {**BODY, "compress": "int3"}}, 400),
    ],
)
def test_a_bad_call_fails_as_the_direct_call_does(tenant, sent, status):
    job, answer = answered(tenant, **sent)
    direct = tenant.call("POST", f"/predict/{MODEL}", **sent)
    same = ("error", "code", "details")
    assert answer.status_code == direct.status_code == status
    assert [answer.json()[name] for name in same] == [direct.json()[name] for name in same]
    assert (job["state"], job["error"]["code"], job["error"]["step"]) == ("failed", direct.json()["code"], "predict")
    assert job["error"]["message"] == direct.json()["error"]


def test_a_version_is_that_of_the_moment_of_asking(tenant):
    name = "moves-on"
    assert tenant.import_model(name, linear())["state"] == "succeeded"
    assert tenant.import_model(name, linear(2))["state"] == "succeeded"
    alias = f"/api/v1/models/{name}/aliases/canary"
    assert tenant.call("PUT", alias, json={"version": 1}).status_code == 200
    body = npy(ROWS)
    headers = {"Content-Type": "application/x-npy"}
    asked = ask(tenant, f"/api/v1/models/{name}/predictions?version=canary&size={len(body)}", headers=headers)
    assert asked["version"] == 1
    assert tenant.call("PUT", alias, json={"version": 2}).status_code == 200
    assert requests.put(asked["upload"]["url"], data=body, headers=headers, timeout=60).status_code == 200
    assert tenant.await_job(asked["job_id"])["state"] == "succeeded"
    answer = tenant.call("GET", f"/api/v1/jobs/{asked['job_id']}/result")
    assert answer.headers["x-model-version"] == "1"
    np.testing.assert_allclose(answer.json()["prediction"], ROWS @ WEIGHTS)
    unknown = tenant.call("POST", f"/api/v1/models/{name}/predictions?version=9", json=BODY)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "version_not_found")


def test_a_large_body_goes_by_url_and_a_large_answer_comes_by_one(tenant):
    rows = np.random.default_rng(3).integers(0, 100, (1_030_000, 4)).astype(np.float32)
    body = npy(rows)
    assert len(body) > 16_000_000
    headers = {"Content-Type": "application/x-npy"}
    asked = ask(tenant, f"{JOBS}?size={len(body)}", headers=headers)
    url = asked["upload"]["url"]
    assert requests.put(url, data=body[:-1], headers=headers, timeout=60).status_code == 403
    assert requests.put(url, data=body, headers={"Content-Type": "text/csv"}, timeout=60).status_code == 403
    early = tenant.call("GET", f"/api/v1/jobs/{asked['job_id']}/result")
    assert (early.status_code, early.json()["code"]) == (409, "job_not_ended")
    assert requests.put(url, data=body, headers=asked["upload"]["headers"], timeout=120).status_code == 200
    job = tenant.await_job(asked["job_id"])
    assert job["state"] == "succeeded", job["error"]
    assert job["result"]["size"] > 6_000_000
    answer = tenant.call("GET", f"/api/v1/jobs/{job['job_id']}/result", allow_redirects=False)
    assert answer.status_code == 303
    told = requests.get(answer.headers["location"], timeout=120)
    assert told.headers["content-type"] == "application/json"
    np.testing.assert_array_equal(np.array(told.json()["prediction"], np.float32), rows @ WEIGHTS)


def test_another_tenant_sees_nothing(stack, tenant):
    job, _ = answered(tenant)
    other = Client(stack.url, stack.key("looks-around"))
    for method, path in (("GET", ""), ("GET", "/result"), ("GET", "/log"), ("POST", "/cancel"), ("POST", "/retry")):
        refused = other.call(method, f"/api/v1/jobs/{job['job_id']}{path}")
        assert (refused.status_code, refused.json()["code"]) == (404, "job_not_found")
    assert other.call("POST", JOBS, json=BODY).status_code == 404
    assert other.call("GET", "/api/v1/jobs").json()["jobs"] == []
    parts = urlsplit(job["result"]["url"])
    elsewhere = parts._replace(path=parts.path.replace("/predicts-later/", "/looks-around/")).geturl()
    assert requests.get(elsewhere, timeout=60).status_code == 403


def test_a_doubled_event_runs_nothing_twice(stack, s3, tenant):
    job, _ = answered(tenant)
    key = f"predictions/in/predicts-later/{job['job_id']}"
    (body,) = s3.list_object_versions(Bucket=stack.uploads_bucket, Prefix=key)["Versions"]
    found = {"key": key, "version-id": body["VersionId"], "size": body["Size"]}
    sqs = aws_client("sqs", stack.aws_endpoint)
    queue = sqs.get_queue_url(QueueName="aimass-dev-predictions")["QueueUrl"]
    event = {"detail": {"bucket": {"name": stack.uploads_bucket}, "object": found}}
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(event))
    answered(tenant)  # whose event came later
    again = tenant.call("GET", f"/api/v1/jobs/{job['job_id']}").json()
    assert again["finished_at"] == job["finished_at"]
    assert len(again["steps"]) == 1
    versions = s3.list_object_versions(Bucket=stack.uploads_bucket, Prefix=key.replace("/in/", "/out/"))["Versions"]
    assert len(versions) == 1


def test_a_failed_job_runs_again_over_the_same_body(tenant):
    job, _ = answered(tenant, json={**BODY, "data": [[1, 2]]})
    assert tenant.call("POST", f"/api/v1/jobs/{job['job_id']}/retry").status_code == 202
    again = tenant.await_job(job["job_id"])
    assert (again["state"], again["attempt"], len(again["steps"])) == ("failed", 2, 2)
    assert again["error"] == job["error"]


def test_a_job_whose_body_came_too_late_runs_when_it_is_retried(tenant):
    body, headers = npy(ROWS), {"Content-Type": "application/x-npy"}
    asked = ask(tenant, f"{JOBS}?size={len(body)}", headers=headers)
    assert tenant.call("POST", f"/api/v1/jobs/{asked['job_id']}/cancel").status_code == 200
    early = tenant.call("POST", f"/api/v1/jobs/{asked['job_id']}/retry")
    assert (early.status_code, early.json()["code"]) == (409, "job_not_retryable")
    assert requests.put(asked["upload"]["url"], data=body, headers=headers, timeout=60).status_code == 200
    assert tenant.call("POST", f"/api/v1/jobs/{asked['job_id']}/retry").status_code == 202
    assert tenant.await_job(asked["job_id"])["state"] == "succeeded"


def test_limits_count_prediction_jobs_until_they_end(tenant):
    before = tenant.call("GET", "/api/v1/limits").json()["used"]["jobs"]
    asked = ask(tenant, f"{JOBS}?size=10", headers={"Content-Type": "text/csv"})
    assert tenant.call("GET", "/api/v1/limits").json()["used"]["jobs"] == before + 1
    assert tenant.call("POST", f"/api/v1/jobs/{asked['job_id']}/cancel").json()["state"] == "cancelled"
    assert tenant.call("GET", "/api/v1/limits").json()["used"]["jobs"] == before


class Receiver:
    """Keeps what is posted to it; answers the statuses it was told, then 204."""

    def __init__(self):
        received, self.answers = [], []
        answers, arrived = self.answers, threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                received.append((dict(self.headers.items()), body))
                self.send_response(answers.pop(0) if answers else 204)
                self.send_header("location", "http://127.0.0.1:9/elsewhere")
                self.end_headers()
                arrived.set()

            def log_message(self, *_):
                pass

        self.received, self._arrived = received, arrived
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?for=me"

    def next(self, count=1, seconds=60):
        deadline = time.monotonic() + seconds
        while len(self.received) < count and time.monotonic() < deadline:
            self._arrived.wait(0.1)
        return self.received[count - 1]

    def close(self):
        self._server.shutdown()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def secret(tenant):
    without = tenant.call("POST", JOBS, json=BODY, params={"webhook": "https://example.com/hook"})
    assert (without.status_code, without.json()["code"]) == (409, "webhook_secret_missing")
    made = tenant.call("POST", "/api/v1/webhook-secret")
    assert made.status_code == 201
    return made.json()["secret"]


def test_a_webhook_tells_of_the_end_and_an_unmodified_library_verifies_it(tenant, secret, receiver):
    asked = ask(tenant, json=BODY, params={"webhook": receiver.url})
    headers, body = receiver.next()
    told = Webhook(secret).verify(body, headers)
    job = tenant.call("GET", f"/api/v1/jobs/{asked['job_id']}").json()
    assert (told["type"], told["timestamp"]) == ("prediction.succeeded", job["finished_at"])
    del job["result"]["url"]
    assert told["data"] == job
    assert await_line(tenant, asked["job_id"], "webhook").startswith("webhook delivered, try 1: it answered 204")
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"succeeded", b"cancelled"), headers)


def test_a_cancelled_job_is_told_of_and_its_body_starts_nothing(tenant, secret, receiver):
    headers = {"Content-Type": "application/x-npy"}
    body = npy(ROWS)
    path = f"{JOBS}?size={len(body)}"
    asked = ask(tenant, path, params={"webhook": receiver.url}, headers=headers)
    assert tenant.call("POST", f"/api/v1/jobs/{asked['job_id']}/cancel").json()["state"] == "cancelled"
    sent_headers, sent = receiver.next()
    assert Webhook(secret).verify(sent, sent_headers)["type"] == "prediction.cancelled"
    assert requests.put(asked["upload"]["url"], data=body, headers=headers, timeout=60).status_code == 200
    answered(tenant)  # whose event came later
    job = tenant.call("GET", f"/api/v1/jobs/{asked['job_id']}").json()
    assert (job["state"], job["steps"], job["result"]) == ("cancelled", [], None)
    none = tenant.call("GET", f"/api/v1/jobs/{asked['job_id']}/result")
    assert (none.status_code, none.json()["code"]) == (409, "no_answer")


def test_a_receiver_that_fails_is_told_again_under_the_same_id_and_no_redirect_is_followed(tenant, secret, receiver):
    receiver.answers.append(302)
    asked = ask(tenant, json=BODY, params={"webhook": receiver.url})
    assert "try 1: it answered 302; next in 10 s" in await_line(tenant, asked["job_id"], "not delivered")
    (first, body), (second, again) = receiver.next(), receiver.next(2)
    assert first["webhook-id"] == second["webhook-id"]
    assert body == again
    Webhook(secret).verify(again, second)


def test_webhooks_are_signed_with_the_secret_before_too_after_another_was_made(tenant, secret, receiver):
    new = tenant.call("POST", "/api/v1/webhook-secret").json()["secret"]
    ask(tenant, json=BODY, params={"webhook": receiver.url})
    headers, body = receiver.next()
    assert Webhook(secret).verify(body, headers) == Webhook(new).verify(body, headers)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/hook", "https"),
        ("https://10.1.2.3/hook", "private"),
        ("https://[::1]/hook", "private"),
        ("https://169.254.169.254/latest", "private"),
        ("https://user:word@example.com/", "password"),
        ("https://example.com:22/", "port"),
    ],
)
def test_a_webhook_to_an_address_inside_is_refused(tenant, secret, url, why):
    refused = tenant.call("POST", JOBS, json=BODY, params={"webhook": url})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_arguments")
    assert why in refused.json()["details"]["fields"]["webhook"]


def test_a_name_that_leads_inside_is_not_called(tenant, secret):
    """`localhost` is a name that every machine resolves to itself; over https nothing lets it through."""
    asked = ask(tenant, json=BODY, params={"webhook": "https://localhost/hook"})
    assert "localhost is no public address" in await_line(tenant, asked["job_id"], "not delivered")

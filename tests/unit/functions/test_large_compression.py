"""The entries of the states around a large model's job, as the state machine and S3's events call them."""

import json
from dataclasses import replace

import pytest

from aimass.adapters.aws.conversions import S3ConversionFiles
from aimass.adapters.aws.workspaces import S3WorkspaceFiles
from aimass.bootstrap import stores
from aimass.domain.errors import CompressorMissing
from aimass.domain.ports import PageRequest
from aimass.domain.tenants import Limits
from aimass.protocols.states import StepRefused
from aimass.usecases.compression_progress import progress_key
from tests.unit.aws.test_registry import running
from tests.unit.functions.test_conversion_steps import handler, put

LIMITS = {"seconds": 60, "memory_mb": 1000, "disk_mb": 2000}
WORKSPACE = "compressions/t/m/1/" + "ab" * 32


@pytest.fixture
def job(registry):
    """Of a compression that was planned."""
    _, found = running(registry)
    made = replace(found, id="compressing", kind="compression", step="compress")
    registry.start_job("t", made, Limits(bytes=10**12, models=100, jobs=50))
    registry.plan_candidates("t", made.id, made.attempt, ["int8"])
    return made


@pytest.fixture
def event(registry, uploads, job, monkeypatch):
    """What `plan` hands on; the environment is a function's."""
    client = uploads._client
    monkeypatch.setattr(stores, "registry", lambda: registry)
    monkeypatch.setattr(stores, "workspaces", lambda: S3WorkspaceFiles(client, "uploads"))
    monkeypatch.setattr(stores, "conversion_files", lambda: S3ConversionFiles(client, "uploads"))
    monkeypatch.setenv("COMPRESSION_LIMITS", json.dumps(LIMITS))
    monkeypatch.setenv("COMPRESSORS", "1")
    client.put_object(Bucket="uploads", Key=f"{WORKSPACE}/model.onnx", Body=b"model")
    names = {"tenant": "t", "model": "m", "version": 1, "job_id": job.id, "attempt": job.attempt}
    return names | {"prepared": {"workspace": WORKSPACE}, "planned": {"names": ["int8"], "repairs": [0], "large": True}}


def test_an_order_is_written_and_the_step_is_not_entered_again(event, registry, uploads, job):
    ordered = handler("order_compression")(event)
    key = f"compressions/.orders/t/{job.id}/{job.attempt}/order.json"
    assert key in ordered["order_url"]
    order = json.loads(uploads._client.get_object(Bucket="uploads", Key=key)["Body"].read())
    assert (order["names"], order["limits"], list(order["files"])) == (["int8"], LIMITS, ["model.onnx"])
    assert registry.get_job("t", job.id).steps == job.steps


def test_where_no_jobs_run_the_step_is_refused_with_what_would_do(event, monkeypatch):
    monkeypatch.setenv("COMPRESSORS", "")
    with pytest.raises(StepRefused) as refused:
        handler("order_compression")(event)
    told = json.loads(str(refused.value))
    assert (told["step"], told["code"]) == ("compress", CompressorMissing.code)


def test_what_the_job_puts_is_a_line_of_its_log_and_its_candidates_state(event, registry, job):
    assert handler("note_progress")(put(progress_key("t", job, "0.compress.int8"))) is True
    assert handler("note_progress")(put(progress_key("t", job, "0.boast.int8"))) is False
    (line,) = registry.read_log("t", job.id, PageRequest()).items
    assert (line.step, line.message, line.at) == ("compress", "int8: being made", "2026-05-01T10:00:00.000Z")
    assert registry.get_job("t", job.id).candidates["int8"].state == "compressing"
    assert handler("note_progress")(put(progress_key("t", job, "1.repair.int8"))) is True
    found = registry.get_job("t", job.id)
    assert (found.step, found.candidates["int8-mixed"].state) == ("repair", "compressing")


@pytest.mark.parametrize(
    ("left", "code"),
    [
        (b'{"code": "model_timeout", "message": "too slow"}', "model_timeout"),
        (b"{", "step_crashed"),
        (None, "step_crashed"),
    ],
)
def test_why_the_job_gave_up_is_what_the_job_left(event, registry, uploads, job, left, code):
    key = f"compressions/.orders/t/{job.id}/{job.attempt}/failed.json"
    order = json.loads(uploads._client.get_object(Bucket="uploads", Key=_order_of(event, job))["Body"].read())
    assert f"/{key}?" in order["failed_url"]
    if left:
        uploads._client.put_object(Bucket="uploads", Key=key, Body=left)
    told = handler("fail_compression")(event | {"error": {"Error": "States.TaskFailed", "Cause": "{}"}})
    assert (told["code"], told["step"]) == (code, "compress")
    assert registry.get_job("t", job.id).error.code == code


def _order_of(event, job):
    handler("order_compression")(event)
    return f"compressions/.orders/t/{job.id}/{job.attempt}/order.json"

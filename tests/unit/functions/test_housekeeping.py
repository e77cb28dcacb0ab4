"""The entries of `sweep` and `settle_import`, over the real registry in process."""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from aimass.adapters.aws.due import DynamoDueList
from aimass.adapters.aws.predictions import S3PredictionFiles
from aimass.adapters.aws.sweeper import DynamoSweepProgress, S3ArtifactSweeper
from aimass.bootstrap import housekeeping, stores
from aimass.usecases.settle import House
from aimass.usecases.sweep import Sweep
from aimass.usecases.versions import delete_version
from tests.unit.aws.test_compressions import job as compression_job
from tests.unit.aws.test_registry import LIMITS, ready, running

ROOT = Path(__file__).parents[3]


def load(name):
    spec = importlib.util.spec_from_file_location(f"{name}_handler", ROOT / f"functions/{name}/handler.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def settle_import(registry, monkeypatch):
    monkeypatch.setattr(stores, "registry", lambda: registry)
    return load("settle_import").handler


def ended(status, job, **detail):
    document = {"tenant": "t", "job_id": job.id, "attempt": job.attempt, "model": "m", "version": 1}
    return {"detail": {"name": "x", "status": status, "input": json.dumps(document), **detail}}


@pytest.mark.parametrize(("status", "code"), [("ABORTED", "interrupted"), ("TIMED_OUT", "step_timeout")])
def test_a_job_whose_execution_ended_without_a_word_fails_with_the_reason(settle_import, registry, status, code):
    _, job = running(registry)
    for _ in range(2):
        settle_import(ended(status, job), None)
    assert registry.get_job("t", job.id).error.code == code
    assert registry.get_version("t", "m", 1).state == "failed"


def test_a_compression_whose_execution_ended_without_a_word_fails_and_frees_its_version(settle_import, registry):
    ready(registry)
    registry.start_compression("t", compression_job(), LIMITS)
    settle_import(ended("ABORTED", compression_job()), None)
    assert registry.get_job("t", "compress-1").error.code == "interrupted"
    version = registry.get_version("t", "m", 1)
    assert (version.state, version.compressing) == ("ready", None)


def test_a_job_that_has_ended_stays_as_it_is(settle_import, registry):
    ready(registry)
    settle_import(ended("FAILED", registry.get_job("t", "job-1")), None)
    assert registry.get_job("t", "job-1").state == "succeeded"


def test_the_end_of_an_earlier_attempt_does_not_end_the_one_that_runs(settle_import, registry):
    _, job = running(registry)
    event = ended("ABORTED", SimpleNamespace(id=job.id, attempt=job.attempt - 1))
    settle_import(event, None)
    assert registry.get_job("t", job.id).state == "running"


def test_an_event_too_large_for_its_input_changes_nothing(settle_import, registry):
    _, job = running(registry)
    assert settle_import(ended("ABORTED", job, input=None), None) is None
    assert registry.get_job("t", job.id).state == "running"


@pytest.fixture
def sweep(registry, index, uploads, artifacts, monkeypatch):
    files = S3PredictionFiles(uploads._client, "uploads")
    house = House(registry, index, uploads, DynamoDueList(registry._client, "table"), None, files)
    sweeper = S3ArtifactSweeper(artifacts._client, "artifacts")
    at = Sweep(registry, index, sweeper, DynamoSweepProgress(registry._client, "table"))
    monkeypatch.setattr(housekeeping, "house", lambda: house)
    monkeypatch.setattr(housekeeping, "sweep", lambda: at)
    module = load("sweep")

    def run(moment, seconds=600):
        monkeypatch.setattr(module, "now", lambda: moment)
        return module.handler({}, SimpleNamespace(get_remaining_time_in_millis=lambda: seconds * 1000))

    return run


def test_a_run_ends_uploads_purges_versions_and_deletes_what_nobody_wants(sweep, registry, artifacts, index, tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    stored = artifacts.put_file("t", "a", tmp_path / "a")
    ready(registry)
    delete_version(registry, "t", "m", 1)
    assert sweep("2126-01-01T00:00:00.000Z") == {"versions_purged": 1, "reminders_over": 1, "artifacts_deleted": 1}
    assert "Contents" not in artifacts._client.list_objects_v2(Bucket="artifacts")
    assert registry.get_version("t", "m", 1).variants == ()
    again = artifacts.put_file("t", "a", tmp_path / "a")
    assert again == stored


def test_a_run_whose_time_is_nearly_over_begins_nothing(sweep, registry):
    ready(registry)
    delete_version(registry, "t", "m", 1)
    assert sweep("2126-01-01T00:00:00.000Z", seconds=59) == {}
    assert registry.get_version("t", "m", 1).variants

"""Cancelling jobs, and running them again."""

from dataclasses import replace

import pytest

from aimass.domain.errors import (
    InvalidArguments,
    JobNotCancellable,
    JobNotFound,
    JobNotRetryable,
    LimitExceeded,
    VersionNotReady,
)
from aimass.domain.jobs import Failure
from aimass.domain.model import Deletion
from aimass.domain.ports import PageRequest
from aimass.usecases.cancel import cancel_job
from aimass.usecases.download import downloads
from aimass.usecases.retry import retry_job
from aimass.usecases.start_import import start_import
from aimass.usecases.uploads import NewVersion, describe_upload, start_upload, upload_whole
from aimass.usecases.versions import delete_version
from tests.unit.aws.test_registry import ready
from tests.unit.conftest import LIMITS
from tests.unit.usecases.test_start_import import arrive, arrived_now


def cancel(at, job_id, tenant="t"):
    return cancel_job(at.registry, at.uploads, at.runner, tenant, job_id)


def test_a_running_import_is_stopped_and_its_version_says_why(at):
    arrived = arrive(at.uploads, "uploads/t/m/a.onnx")
    job_id = start_import(at, arrived)
    assert cancel(at, job_id).state == "cancelled"
    assert arrived.fingerprint in at.runner.ended
    version = at.registry.get_version("t", "m", 1)
    assert (version.state, version.failure.code) == ("failed", "cancelled")
    assert at.limits.usage_of("t").jobs == 0


def test_a_waiting_upload_drops_its_parts(at):
    job = start_upload(at.registry, at.uploads, "t", NewVersion("m", "a.onnx", size=4), LIMITS)
    cancel(at, job.id)
    left = at.uploads._client.list_multipart_uploads(Bucket="uploads")
    assert left.get("Uploads", []) == []
    assert describe_upload(at.registry, at.uploads, "t", job.id)["state"] == "cancelled"


def test_cancelling_twice_is_as_once_and_what_has_ended_is_refused(at):
    job_id = start_import(at, arrive(at.uploads, "uploads/t/m/a.onnx"))
    assert cancel(at, job_id) == cancel(at, job_id)
    retry_job(at, "t", job_id)
    at.registry.fail("t", at.registry.get_job("t", job_id), Failure("verify", "x", "y"))
    with pytest.raises(JobNotCancellable, match="failed"):
        cancel(at, job_id)


def test_a_job_that_ends_while_it_is_cancelled_stays_as_it_ended(at, monkeypatch):
    job_id = start_import(at, arrive(at.uploads, "uploads/t/m/a.onnx"))
    stale = at.registry.get_job("t", job_id)
    at.registry.fail("t", stale, Failure("verify", "x", "y"))
    answers = iter([stale])
    real = at.registry.get_job
    monkeypatch.setattr(at.registry, "get_job", lambda *names: next(answers, None) or real(*names))
    with pytest.raises(JobNotCancellable):
        cancel(at, job_id)
    assert real("t", job_id).error.code == "x"


def test_a_cancelled_import_can_run_again(at):
    job_id = start_import(at, arrive(at.uploads, "uploads/t/m/a.onnx"))
    cancel(at, job_id)
    assert retry_job(at, "t", job_id).attempt == 2
    assert at.registry.get_version("t", "m", 1).state == "importing"
    assert [line.message for line in at.registry.read_log("t", job_id, PageRequest()).items] == ["attempt 2"]


def test_a_step_keeps_what_an_attempt_came_to_in_it(at):
    job_id = start_import(at, arrive(at.uploads, "uploads/t/m/a.onnx"))
    for attempt in (1, 2):
        for step in ("identify", "convert", "convert"):
            at.registry.enter_step("t", job_id, attempt, step)
        at.registry.fail("t", at.registry.get_job("t", job_id), Failure("convert", "x", "y"))
        retry_job(at, "t", job_id)
    steps = at.registry.get_job("t", job_id).steps
    assert [(one.step, one.ended) for one in steps[-6:]] == 2 * [
        ("identify", None),
        ("convert", "failed"),
        ("convert", "failed"),
    ]


def test_another_tenants_job_is_not_found(at):
    job_id = start_import(at, arrive(at.uploads, "uploads/t/m/a.onnx"))
    with pytest.raises(JobNotFound):
        cancel(at, job_id, tenant="u")


class Artifacts:
    def download_url(self, tenant, file, seconds):
        return f"https://{tenant}/{file.sha256}?{seconds}"


def test_a_ready_versions_files_can_be_downloaded(registry):
    done = ready(registry)
    answer = downloads(registry, Artifacts(), "t", "m", 1, "original")
    (file,) = done.variants[0].files.files
    assert answer["files"] == [
        {"path": file.path, "size": file.size, "sha256": file.sha256, "url": f"https://t/{file.sha256}?3600"}
    ]


def test_a_variant_or_version_that_is_not_there_cannot(registry):
    done = ready(registry)
    with pytest.raises(InvalidArguments, match="none of original"):
        downloads(registry, Artifacts(), "t", "m", 1, "int8")
    registry.delete_version("t", done, Deletion("2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z", "ready"))
    with pytest.raises(VersionNotReady):
        downloads(registry, Artifacts(), "t", "m", 1, "original")


def test_the_file_of_an_upload_that_was_cancelled_before_its_event_came_makes_no_version(at):
    job = upload_whole(at.registry, at.uploads, "t", NewVersion("m", "a.onnx"), LIMITS, b"x")
    cancel(at, job.id)
    assert start_import(at, arrived_now(at.uploads, "uploads/t/m/a.onnx")) == job.id
    assert at.runner.started == []
    assert at.registry.next_number("t", "m") == 2
    assert at.registry.get_job("t", job.id).state == "cancelled"


def test_the_file_of_an_upload_that_was_given_up_still_becomes_its_version(at):
    job = upload_whole(at.registry, at.uploads, "t", NewVersion("m", "a.onnx", label="kept"), LIMITS, b"x")
    at.registry.fail("t", job, Failure("upload", "upload_expired", "late"))
    start_import(at, arrived_now(at.uploads, "uploads/t/m/a.onnx"))
    assert (at.registry.get_job("t", job.id).state, at.registry.next_number("t", "m")) == ("running", 2)
    assert at.registry.get_version("t", "m", 1).label == "kept"
    assert at.limits.usage_of("t").jobs == 1


def test_an_upload_beyond_the_jobs_at_once_comes_again_instead_of_failing(at):
    at.limits.grant("t", replace(LIMITS, jobs=1))
    start_import(at, arrive(at.uploads, "uploads/t/m/a.onnx"))
    second = arrive(at.uploads, "uploads/t/m/b.onnx")
    with pytest.raises(LimitExceeded):
        start_import(at, second)
    at.registry.fail("t", at.registry.get_job("t", at.runner.started[0][1]["job_id"]), Failure("verify", "x", "y"))
    assert at.registry.get_job("t", start_import(at, second)).state == "running"


def test_cancelling_again_finishes_what_the_first_call_could_not(at, monkeypatch):
    arrived = arrive(at.uploads, "uploads/t/m/a.onnx")
    job_id = start_import(at, arrived)

    def down(name):
        raise OSError("unreachable")

    with monkeypatch.context() as patch:
        patch.setattr(at.runner, "stop", down)
        with pytest.raises(OSError, match="unreachable"):
            cancel(at, job_id)
    assert cancel(at, job_id).state == "cancelled"
    assert arrived.fingerprint in at.runner.ended


def test_what_cannot_run_again_says_what_to_do(at):
    job = upload_whole(at.registry, at.uploads, "t", NewVersion("n", "a.onnx"), LIMITS, b"x")
    at.registry.fail("t", job, Failure("upload", "upload_failed", "x"))
    with pytest.raises(JobNotRetryable, match="upload it again"):
        retry_job(at, "t", job.id)
    job_id = start_import(at, arrive(at.uploads, "uploads/t/m/a.onnx"))
    at.registry.fail("t", at.registry.get_job("t", job_id), Failure("verify", "x", "y"))
    delete_version(at.registry, "t", "m", 1)
    with pytest.raises(JobNotRetryable, match="restore it first"):
        retry_job(at, "t", job_id)
    assert at.registry.get_job("t", job_id).state == "failed"

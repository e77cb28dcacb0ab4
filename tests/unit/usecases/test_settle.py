"""What comes due, on the real registry in process."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from aimass.adapters.aws.due import DynamoDueList
from aimass.adapters.aws.predictions import S3PredictionFiles
from aimass.domain.clock import later, now
from aimass.domain.errors import ModelNotFound, UploadNotFound
from aimass.domain.model import Deletion
from aimass.domain.ports import PageRequest
from aimass.usecases.models import delete_model, purge_model, restore_model
from aimass.usecases.settle import House, settle_due
from aimass.usecases.uploads import NewVersion, complete_upload, reserve, start_upload
from aimass.usecases.versions import delete_version, restore_version
from tests.unit.aws.test_registry import FILES, LIMITS, ready, reserved, running

DIGEST = FILES.files[0].sha256
IN_31_DAYS = later(now(), days=31)


@pytest.fixture
def at(registry, index, uploads, webhooks):
    files = S3PredictionFiles(uploads._client, "uploads")
    return House(registry, index, uploads, DynamoDueList(registry._client, "table"), webhooks, files)


def settle(at, moment=IN_31_DAYS, has_time=lambda: True):
    counts = settle_due(at, moment, has_time)
    return {what: count for what, count in counts.items() if what != "reminders_over"}


def referred(at, number=1):
    version = ready(at.registry, number)
    at.index.refer("t", "m", number, version.digests)


def test_a_deleted_version_is_purged_when_its_time_has_come_and_not_before(at):
    referred(at)
    delete_version(at.registry, "t", "m", 1)
    assert settle(at, later(now(), days=29)) == {}
    assert at.index.references("t", DIGEST) == [("m", 1)]
    assert settle(at) == {"versions_purged": 1}
    assert at.index.references("t", DIGEST) == []
    stub = at.registry.get_version("t", "m", 1)
    assert (stub.state, stub.variants) == ("deleted", ())
    assert list(at.due.due("9999")) == []


def test_a_version_that_was_restored_stays(at):
    referred(at)
    delete_version(at.registry, "t", "m", 1)
    restore_version(at.registry, "t", "m", 1)
    assert settle(at) == {}
    assert at.registry.get_version("t", "m", 1).state == "ready"
    assert at.index.references("t", DIGEST) == [("m", 1)]


def test_a_version_deleted_anew_waits_for_its_own_later_reminder(at):
    referred(at)
    version = at.registry.get_version("t", "m", 1)
    delete_version(at.registry, "t", "m", 1)
    restore_version(at.registry, "t", "m", 1)
    at.registry.delete_version("t", version, Deletion(now(), later(now(), days=60), "ready"))
    assert settle(at) == {}
    assert at.registry.get_version("t", "m", 1).variants
    assert settle(at, later(now(), days=61)) == {"versions_purged": 1}


def test_purging_what_was_purged_already_changes_nothing(at):
    referred(at)
    delete_version(at.registry, "t", "m", 1)
    reminders = list(at.due.due("9999"))
    settle(at)
    stub, epoch = at.registry.get_version("t", "m", 1), at.registry.model_epoch("t", "m")
    kept = replace(at, due=SimpleNamespace(due=lambda moment: iter(reminders), done=lambda due: None))
    settle(kept)
    assert at.registry.get_version("t", "m", 1) == stub
    assert at.registry.model_epoch("t", "m") == epoch


def test_a_deleted_model_goes_with_all_its_versions_and_frees_its_name(at):
    referred(at, 1)
    referred(at, 2)
    delete_version(at.registry, "t", "m", 2)
    delete_model(at.registry, "t", "m")
    settle(at)
    with pytest.raises(ModelNotFound):
        at.registry.find_model("t", "m")
    assert at.index.references("t", DIGEST) == []
    assert reserve(at.registry, "t", NewVersion("m", "a.onnx"), LIMITS).version == 3
    assert at.registry.usage_of("t").bytes == 0
    settle(at)
    assert at.registry.find_model("t", "m").deleted is None


def test_a_model_that_was_restored_stays_with_its_versions(at):
    referred(at)
    delete_model(at.registry, "t", "m")
    restore_model(at.registry, "t", "m")
    assert settle(at) == {}
    assert at.registry.get_version("t", "m", 1).state == "ready"


def test_a_model_purged_by_its_tenant_goes_with_the_next_run(at):
    referred(at)
    delete_model(at.registry, "t", "m")
    purge_model(at.registry, "t", "m")
    assert settle(at, later(now(), seconds=1)) == {"models_purged": 1}


def test_a_model_with_too_many_versions_for_one_run_is_gone_on_with(at):
    for number in (1, 2, 3):
        referred(at, number)
    delete_model(at.registry, "t", "m")
    answers = iter([True] * 6 + [False] * 10)  # six are due: three uploads that are over, a model, and two versions
    assert settle(at, has_time=lambda: next(answers)) == {"left_for_later": 1}
    states = [at.registry.get_version("t", "m", number).state for number in (1, 2, 3)]
    assert states == ["deleted", "deleted", "ready"]
    assert settle(at)["models_purged"] == 1


def test_a_model_waits_for_an_import_that_still_runs_in_it(at):
    running(at.registry)
    delete_model(at.registry, "t", "m")
    assert settle(at) == {"left_for_later": 1}
    assert at.registry.get_version("t", "m", 1).state == "importing"


def test_an_upload_in_parts_that_nobody_completed_ends_after_a_day_and_its_parts_go(at):
    job = start_upload(at.registry, at.uploads, "t", NewVersion("m", "a.onnx", size=4), LIMITS)
    assert settle(at, later(now(), hours=24)) == {}
    assert settle(at, later(now(), hours=26)) == {"uploads_expired": 1}
    assert at.registry.get_job("t", job.id).error.code == "upload_expired"
    assert at.registry.get_version("t", "m", 1).state == "failed"
    with pytest.raises(UploadNotFound):
        at.uploads.list_parts(job.upload.key, job.upload.storage_id)
    assert at.registry.usage_of("t").jobs == 0


def test_an_upload_whose_parts_the_store_dropped_ends_too(at):
    job = start_upload(at.registry, at.uploads, "t", NewVersion("m", "a.onnx", size=4), LIMITS)
    at.uploads.abort_multipart(job.upload.key, job.upload.storage_id)
    assert settle(at, later(now(), hours=26)) == {"uploads_expired": 1}
    assert at.registry.get_job("t", job.id).state == "failed"


def arrived(at):
    """An upload in parts, all of which have come, and the part's ETag."""
    job = start_upload(at.registry, at.uploads, "t", NewVersion("m", "a.onnx", size=4), LIMITS)
    place = {"Bucket": "uploads", "Key": job.upload.key, "UploadId": job.upload.storage_id}
    return job, at.uploads._client.upload_part(**place, PartNumber=1, Body=b"four")["ETag"]


def test_a_file_that_was_made_but_whose_import_never_started_ends_with_that_reason(at):
    job, etag = arrived(at)
    complete_upload(at.registry, at.uploads, "t", job.id, {1: etag})
    assert settle(at, later(job.created_at, hours=24)) == {}
    assert settle(at, later(job.created_at, hours=26)) == {"uploads_expired": 1}
    error = at.registry.get_job("t", job.id).error
    assert (error.code, "made one file" in error.message) == ("import_not_started", True)
    assert at.uploads._client.head_object(Bucket="uploads", Key=job.upload.key)["ContentLength"] == 4


def test_an_upload_that_was_to_be_completed_and_never_was_loses_its_parts(at):
    job, _ = arrived(at)
    told = replace(job, upload=replace(job.upload, completing=True))
    at.registry.requeue("t", told, was=job)
    assert settle(at, later(job.created_at, hours=26)) == {"uploads_expired": 1}
    assert at.registry.get_job("t", job.id).error.code == "upload_expired"
    with pytest.raises(UploadNotFound):
        at.uploads.list_parts(job.upload.key, job.upload.storage_id)


def test_a_job_whose_file_never_came_ends_after_a_day(at):
    _, job = reserved(at.registry)
    assert settle(at, later(job.created_at, hours=24)) == {}
    assert settle(at, later(job.created_at, hours=26)) == {"uploads_expired": 1}
    assert "within a day" in at.registry.get_job("t", job.id).error.message


def test_what_ended_otherwise_only_loses_its_reminder(at):
    ready(at.registry)
    assert settle_due(at, IN_31_DAYS, lambda: True) == {"reminders_over": 1}
    assert list(at.due.due("9999")) == []


def test_one_that_fails_stops_no_other_is_logged_with_its_error_and_met_again(at, caplog):
    referred(at, 1)
    referred(at, 2)
    settle(at)
    for number in (1, 2):
        delete_version(at.registry, "t", "m", number)

    class Failing:
        def __getattr__(self, name):
            return getattr(at.registry, name)

        def purge_version(self, tenant, version):
            if version.number == 1:
                raise ZeroDivisionError("no luck")
            at.registry.purge_version(tenant, version)

    assert settle(replace(at, registry=Failing())) == {"due_failed": 1, "versions_purged": 1}
    assert "VER#m#000001" in caplog.text
    assert "no luck" in caplog.text
    assert settle(at) == {"versions_purged": 1}


def test_a_run_without_time_does_nothing(at):
    referred(at)
    delete_version(at.registry, "t", "m", 1)
    assert settle(at, has_time=lambda: False) == {}
    assert at.registry.list_versions("t", "m", PageRequest(), state="deleted", tag=None).items

from dataclasses import replace

import pytest

from aimass.domain.errors import InvalidArguments, JobNotRetryable
from aimass.domain.jobs import Failure
from aimass.domain.ports import PageRequest
from aimass.usecases.retry import retry_job
from aimass.usecases.start_import import ArrivedObject, start_import
from aimass.usecases.uploads import MAX_UPLOAD_BYTES, NewVersion, upload_whole
from tests.unit.conftest import LIMITS


def arrive(uploads, key, body=b"x", **metadata):
    """Any S3 client puts an object; the answer is what its event says."""
    client = uploads._client
    version = client.put_object(Bucket="uploads", Key=key, Body=body, Metadata=metadata)["VersionId"]
    return ArrivedObject("uploads", key, version, len(body), "2026-05-01T10:00:00Z")


class Unreachable:
    """A runner whose service does not answer."""

    def start(self, name, document):
        raise ConnectionError("no answer")


def arrived_now(uploads, key):
    head = uploads._client.head_object(Bucket="uploads", Key=key)
    return ArrivedObject("uploads", key, head["VersionId"], head["ContentLength"], "2026-05-01T10:00:00Z")


def test_a_file_put_by_any_s3_client_imports_itself_once_however_often_its_event_comes(at):
    arrived = arrive(at.uploads, "uploads/t/m/Some File.onnx")
    ids = {start_import(at, arrived) for _ in range(3)}
    assert len(ids) == 1
    assert len(at.runner.started) == 1
    job = at.registry.get_job("t", ids.pop())
    assert (job.state, job.version, job.source[0].version_id) == ("running", 1, arrived.version_id)
    assert at.registry.next_number("t", "m") == 2


def test_the_execution_is_named_by_the_object_version_and_carries_references(at):
    arrived = arrive(at.uploads, "uploads/t/m/a.onnx")
    job_id = start_import(at, arrived)
    assert at.runner.started == [
        (arrived.fingerprint, {"tenant": "t", "model": "m", "version": 1, "job_id": job_id, "attempt": 1})
    ]


def test_an_upload_through_our_api_starts_the_job_that_reserved_its_number(at):
    job = upload_whole(at.registry, at.uploads, "t", NewVersion("m", "a.onnx", number=5), LIMITS, b"x")
    assert start_import(at, arrived_now(at.uploads, "uploads/t/m/a.onnx")) == job.id
    assert at.registry.get_job("t", job.id).state == "running"
    assert at.registry.get_job("t", job.id).version == 5


def test_two_uploads_to_one_key_are_two_versions(at):
    for body in (b"one", b"two"):
        start_import(at, arrive(at.uploads, "uploads/t/m/a.onnx", body))
    assert at.registry.next_number("t", "m") == 3
    assert len(at.runner.started) == 2


def test_events_that_come_twice_and_in_the_wrong_order_import_each_object_version_once(at):
    arrivals = [arrive(at.uploads, "uploads/t/m/a.onnx", body) for body in (b"one", b"two", b"three")]
    for arrived in [*reversed(arrivals), *arrivals]:
        start_import(at, arrived)
    sources = [at.registry.get_job("t", document["job_id"]).source[0] for _, document in at.runner.started]
    assert [one.version_id for one in sources] == [one.version_id for one in reversed(arrivals)]
    assert [document["version"] for _, document in at.runner.started] == [1, 2, 3]


def test_files_in_a_folder_wait_for_complete_and_become_one_model(at):
    for name in ("model.onnx", "data/weights.bin"):
        assert start_import(at, arrive(at.uploads, f"uploads/t/m/run7/{name}")) is None
    job_id = start_import(at, arrive(at.uploads, "uploads/t/m/run7/_COMPLETE", b""))
    assert {file.path for file in at.registry.get_job("t", job_id).source} == {"model.onnx", "data/weights.bin"}
    assert len(at.runner.started) == 1


def test_complete_beside_files_takes_those_beside_it_and_no_folders_of_other_models(at):
    for name in ("model.onnx", "w_COMPLETE", "run7/model.onnx"):
        start_import(at, arrive(at.uploads, f"uploads/t/m/{name}"))
    job_id = start_import(at, arrive(at.uploads, "uploads/t/m/_COMPLETE", b""))
    assert {file.path for file in at.registry.get_job("t", job_id).source} == {"model.onnx", "w_COMPLETE"}


def test_complete_without_files_is_a_failed_job_that_says_why(at):
    job_id = start_import(at, arrive(at.uploads, "uploads/t/m/run7/_COMPLETE", b""))
    assert "has 0" in at.registry.get_job("t", job_id).error.message
    assert at.runner.started == []


def test_a_name_that_breaks_the_rule_is_a_failed_job_that_names_the_rule(at):
    job_id = start_import(at, arrive(at.uploads, "uploads/t/Bad Name/a.onnx"))
    job = at.registry.get_job("t", job_id)
    assert (job.state, job.error.code) == ("failed", "invalid_arguments")
    assert "[a-z0-9]" in job.error.message
    assert at.registry.list_models("t", PageRequest()).items == ()


def test_a_failed_import_runs_again_under_a_new_execution_name(at):
    job_id = start_import(at, arrive(at.uploads, "uploads/t/m/a.onnx"))
    at.registry.fail("t", at.registry.get_job("t", job_id), Failure("verify", "x", "y"))
    assert retry_job(at, "t", job_id).attempt == 2
    assert [name[64:] for name, _ in at.runner.started] == ["", "-2"]
    assert at.registry.get_version("t", "m", 1).state == "importing"


@pytest.mark.parametrize(("metadata", "accepts"), [({"accept-drift": "true"}, True), ({}, False)])
def test_an_object_says_that_its_model_may_drift(at, metadata, accepts):
    start_import(at, arrive(at.uploads, "uploads/t/m/a.onnx", **metadata))
    arrive(at.uploads, "uploads/t/f/x/a.onnx")
    start_import(at, arrive(at.uploads, "uploads/t/f/x/_COMPLETE", b"", **metadata))
    assert [at.registry.get_version("t", model, 1).accept_drift for model in ("m", "f")] == [accepts] * 2


def test_drift_can_be_accepted_when_a_failed_import_runs_again_and_stays_so(at):
    job_id = start_import(at, arrive(at.uploads, "uploads/t/m/a.onnx"))
    at.registry.fail("t", at.registry.get_job("t", job_id), Failure("convert", "conversion_drift", "y"))
    retry_job(at, "t", job_id, accept_drift=True)
    assert at.registry.get_version("t", "m", 1).accept_drift is True
    at.registry.fail("t", at.registry.get_job("t", job_id), Failure("verify", "x", "y"))
    retry_job(at, "t", job_id)
    assert at.registry.get_version("t", "m", 1).accept_drift is True


def test_drift_is_not_accepted_for_a_running_import_nor_for_what_converts_nothing(at):
    job_id = start_import(at, arrive(at.uploads, "uploads/t/m/a.onnx"))
    with pytest.raises(JobNotRetryable, match="once it has ended"):
        retry_job(at, "t", job_id, accept_drift=True)
    job = replace(at.registry.get_job("t", job_id), id="verifies", kind="verification")
    at.registry.start_job("t", job, LIMITS)
    with pytest.raises(InvalidArguments, match="verification"):
        retry_job(at, "t", job.id, accept_drift=True)


def test_a_retry_that_accepts_drift_and_could_not_start_can_be_repeated(at):
    job_id = start_import(at, arrive(at.uploads, "uploads/t/m/a.onnx"))
    at.registry.fail("t", at.registry.get_job("t", job_id), Failure("convert", "conversion_drift", "y"))
    with pytest.raises(ConnectionError):
        retry_job(replace(at, runner=Unreachable()), "t", job_id, accept_drift=True)
    assert retry_job(at, "t", job_id, accept_drift=True).attempt == 2
    assert [name[64:] for name, _ in at.runner.started] == ["", "-2"]


def test_retrying_a_running_import_only_makes_sure_that_it_was_started(at):
    job_id = start_import(at, arrive(at.uploads, "uploads/t/m/a.onnx"))
    at.runner.started.clear()
    assert retry_job(at, "t", job_id).attempt == 1
    assert len(at.runner.started) == 1


def test_an_import_whose_execution_ended_without_a_word_runs_again(at):
    arrived = arrive(at.uploads, "uploads/t/m/a.onnx")
    job_id = start_import(at, arrived)
    at.runner.ended.add(arrived.fingerprint)
    assert retry_job(at, "t", job_id).attempt == 2
    assert [name[64:] for name, _ in at.runner.started] == ["", "-2"]


def test_a_waiting_or_succeeded_import_cannot_be_retried(at):
    job = upload_whole(at.registry, at.uploads, "t", NewVersion("m", "a.onnx"), LIMITS, b"x")
    with pytest.raises(JobNotRetryable):
        retry_job(at, "t", job.id)
    start_import(at, arrived_now(at.uploads, "uploads/t/m/a.onnx"))
    at.registry.register(
        "t", replace(at.registry.get_version("t", "m", 1), state="ready"), at.registry.get_job("t", job.id)
    )
    with pytest.raises(JobNotRetryable, match="succeeded"):
        retry_job(at, "t", job.id)


def test_a_copy_of_an_imported_object_is_an_upload_anew(at):
    job = upload_whole(at.registry, at.uploads, "t", NewVersion("m", "a.onnx"), LIMITS, b"x")
    start_import(at, arrived_now(at.uploads, "uploads/t/m/a.onnx"))
    copied = {"Bucket": "uploads", "Key": "uploads/t/other/a.onnx"}
    at.uploads._client.copy_object(CopySource="uploads/uploads/t/m/a.onnx", **copied)
    again = start_import(at, arrived_now(at.uploads, copied["Key"]))
    assert again != job.id
    assert at.registry.get_job("t", again).model == "other"


def test_an_object_too_large_to_import_is_a_failed_job_before_any_work(at):
    arrived = replace(arrive(at.uploads, "uploads/t/m/a.onnx"), size=MAX_UPLOAD_BYTES + 1)
    job_id = start_import(at, arrived)
    assert at.registry.get_job("t", job_id).error.code == "payload_too_large"
    assert at.runner.started == []
    assert at.registry.list_models("t", PageRequest()).items == ()


def test_an_object_outside_any_model_is_a_failed_job_that_says_where_to_put_it(at):
    job_id = start_import(at, arrive(at.uploads, "uploads/t/lost.onnx"))
    assert "uploads/t/<model>/" in at.registry.get_job("t", job_id).error.message


def test_an_upload_that_cannot_be_stored_leaves_its_version_failed_with_the_reason(at, monkeypatch):
    def broken(key, body, job_id):
        raise OSError("the network went away")

    monkeypatch.setattr(at.uploads, "put", broken)
    with pytest.raises(OSError, match="went away"):
        upload_whole(at.registry, at.uploads, "t", NewVersion("m", "a.onnx"), LIMITS, b"x")
    assert at.registry.get_version("t", "m", 1).failure.code == "upload_failed"

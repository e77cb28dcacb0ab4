"""The import's steps over a registry and stores in process, with the real sandbox."""

from dataclasses import replace
from pathlib import Path

import pytest

from aimass.domain.errors import (
    Conflict,
    DigestMismatch,
    InvalidModel,
    LabelsMismatch,
    UnsafeArchive,
    UnsupportedFormat,
)
from aimass.domain.model import Failure, TensorSpec
from aimass.sandbox.limits import Limits
from aimass.usecases import import_model
from aimass.usecases.import_model import (
    ConvertedModel,
    convert,
    fail_import,
    identify,
    is_registered,
    register,
    verify,
)
from aimass.usecases.start_import import ArrivedObject, start_import
from aimass.usecases.uploads import NewVersion, upload_whole

DIGITS = Path("examples/digits/digits.onnx").read_bytes()
LIMITS = Limits(seconds=60, memory_bytes=4 << 30, file_bytes=1 << 30)


class Runner:
    def start(self, name, document):
        pass


@pytest.fixture
def started(registry, uploads):
    def start(body=DIGITS, **fields):
        job = upload_whole(registry, uploads, "t", NewVersion("digits", "digits.onnx", **fields), body)
        head = uploads._client.head_object(Bucket="uploads", Key="uploads/t/digits/digits.onnx")
        arrived = ArrivedObject(
            "uploads", "uploads/t/digits/digits.onnx", head["VersionId"], len(body), "2026-05-01T10:00:00Z"
        )
        start_import(registry, uploads, Runner(), arrived)
        return registry.get_job("t", job.id)

    return start


def test_the_steps_lead_from_an_upload_to_a_ready_version(registry, uploads, artifacts, started):
    job = started()
    identified = identify(registry, artifacts, uploads, "t", job.id, LIMITS)
    assert identified.model.sha256 == identified.source.sha256
    converted = convert(identified)
    assert converted == ConvertedModel(None)
    verified = verify(registry, artifacts, "t", job.id, identified.model, LIMITS, 5)
    assert not is_registered(registry, "t", job.id)
    version = register(registry, "t", job.id, identified, converted, verified)
    assert version == registry.get_version("t", "digits", 1)
    assert (version.state, version.variant().files, version.parameter_count) == ("ready", identified.model, 3621)
    assert is_registered(registry, "t", job.id)


def test_a_step_run_again_stores_nothing_twice(registry, uploads, artifacts, started):
    job = started()
    assert identify(registry, artifacts, uploads, "t", job.id, LIMITS) == identify(
        registry, artifacts, uploads, "t", job.id, LIMITS
    )
    assert len(artifacts._client.list_object_versions(Bucket="artifacts")["Versions"]) == 1


def test_other_bytes_than_announced_are_refused_and_not_kept(registry, uploads, artifacts, started):
    job = started(sha256="ab" * 32)
    with pytest.raises(DigestMismatch):
        identify(registry, artifacts, uploads, "t", job.id, LIMITS)
    assert "Versions" not in artifacts._client.list_object_versions(Bucket="artifacts")


def test_what_cannot_be_identified_is_still_kept_as_its_source(registry, uploads, artifacts, started):
    job = started(body=b"no model")
    with pytest.raises(UnsupportedFormat):
        identify(registry, artifacts, uploads, "t", job.id, LIMITS)
    assert len(artifacts._client.list_object_versions(Bucket="artifacts")["Versions"]) == 1


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x"])
def test_a_key_that_leaves_its_folder_is_refused(registry, uploads, artifacts, started, path):
    job = started()
    registry.requeue("t", replace(job, source=(replace(job.source[0], path=path),)), was=job)
    with pytest.raises(UnsafeArchive):
        identify(registry, artifacts, uploads, "t", job.id, LIMITS)


def test_labels_that_fit_no_output_are_refused_with_what_would_fit(registry, uploads, artifacts, started):
    job = started(labels=("a", "b", "c"))
    identified = identify(registry, artifacts, uploads, "t", job.id, LIMITS)
    with pytest.raises(LabelsMismatch, match="'probabilities' has 10"):
        verify(registry, artifacts, "t", job.id, identified.model, LIMITS, 5)


def test_more_inputs_and_outputs_than_a_state_may_hand_on_are_refused(
    registry, uploads, artifacts, started, monkeypatch
):
    job = started()
    identified = identify(registry, artifacts, uploads, "t", job.id, LIMITS)
    found = import_model.verify_folder

    def with_many_outputs(*arguments):
        spec = TensorSpec("y" * 200, "FP32", (1,), "tensor(float)")
        return replace(found(*arguments), outputs=(spec,) * 1000)

    monkeypatch.setattr(import_model, "verify_folder", with_many_outputs)
    with pytest.raises(InvalidModel, match="bytes to describe"):
        verify(registry, artifacts, "t", job.id, identified.model, LIMITS, 5)


def test_a_failure_ends_the_attempt_that_is_running_and_no_other(registry, started):
    job = started()
    reason = Failure("verify", "model_timeout", "did not return")
    fail_import(registry, "t", job.id, job.attempt + 1, reason)
    assert registry.get_job("t", job.id).state == "running"
    for _ in range(2):
        fail_import(registry, "t", job.id, job.attempt, reason)
    assert registry.get_job("t", job.id).error == reason
    with pytest.raises(Conflict):
        registry.enter_step("t", job.id, job.attempt, "register")

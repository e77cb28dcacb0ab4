"""The import's steps over a registry and stores in process, with the real sandbox."""

import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import convert as read

from aimass.domain.clock import now
from aimass.domain.errors import (
    Conflict,
    DigestMismatch,
    InvalidModel,
    LabelsMismatch,
    UnsafeArchive,
    UnsupportedFormat,
    VersionNotReady,
)
from aimass.domain.jobs import Failure
from aimass.domain.model import TensorSpec
from aimass.domain.ports import PageRequest
from aimass.domain.tenants import Limits as TenantLimits
from aimass.sandbox.limits import Limits
from aimass.usecases import import_model
from aimass.usecases.cancel import cancel_job
from aimass.usecases.fail_job import fail_job
from aimass.usecases.import_model import Import, identify, verify
from aimass.usecases.import_results import ConvertedModel, IdentifiedModel
from aimass.usecases.register_model import is_registered, register
from aimass.usecases.retry import retry_job
from aimass.usecases.reverify import request_verification
from aimass.usecases.start_import import ArrivedObject, Imports, start_import
from aimass.usecases.uploads import Attachment, NewVersion, keep, upload_whole
from aimass.usecases.versions import delete_version

DIGITS = Path("examples/digits/digits.onnx").read_bytes()
LIMITS = Limits(seconds=60, memory_bytes=4 << 30, file_bytes=1 << 30)
KEY = "uploads/t/digits/digits.onnx"


class Runner:
    def __init__(self):
        self.started, self.stopped = [], []

    def start(self, name, document):
        self.started.append((name, document))

    def stop(self, name):
        self.stopped.append(name)

    def has_ended(self, name):
        return False


@pytest.fixture
def at(registry, artifacts, index):
    return Import(registry, artifacts, index)


@pytest.fixture
def imports(registry, uploads, limits):
    return Imports(registry, uploads, Runner(), limits)


@pytest.fixture
def started(imports, uploads):
    def start(body=DIGITS, **fields):
        bounds = TenantLimits(bytes=10**9, models=10, jobs=10)
        job = upload_whole(imports.registry, uploads, "t", NewVersion("digits", "digits.onnx", **fields), bounds, body)
        head = uploads._client.head_object(Bucket="uploads", Key=KEY)
        start_import(imports, ArrivedObject("uploads", KEY, head["VersionId"], len(body), "2026-05-01T10:00:00Z"))
        return imports.registry.get_job("t", job.id)

    return start


def imported(at, uploads, job):
    identified = identify(at, uploads, "t", job.id, LIMITS)
    converted = ConvertedModel(None)
    verified = verify(at, "t", job.id, identified, ConvertedModel(None), LIMITS, 5)
    return register(at.registry, at.index, "t", job.id, identified, converted, verified)


def log_of(at, job):
    return [line.message for line in at.registry.read_log("t", job.id, PageRequest()).items]


def stored(at):
    return at.artifacts._client.list_object_versions(Bucket="artifacts").get("Versions", [])


def test_the_steps_lead_from_an_upload_to_a_ready_version(at, uploads, started):
    job = started()
    identified = identify(at, uploads, "t", job.id, LIMITS)
    assert identified.model.sha256 == identified.source.sha256
    converted = ConvertedModel(None)
    verified = verify(at, "t", job.id, identified, ConvertedModel(None), LIMITS, 5)
    assert not is_registered(at.registry, "t", job.id)
    version = register(at.registry, at.index, "t", job.id, identified, converted, verified)
    assert version == at.registry.get_version("t", "digits", 1)
    assert (version.state, version.variant().files, version.parameter_count) == ("ready", identified.model, 3621)
    assert version.verified_at == version.ready_at
    assert is_registered(at.registry, "t", job.id)


def test_a_version_refers_to_everything_that_it_is_made_of(at, uploads, started):
    sample = keep(Attachment(at.artifacts, "sample.json", b'{"pixels": [[' + b"0, " * 63 + b"0]]}"), "t")
    version = imported(at, uploads, started(sample=sample))
    assert sample.sha256 in version.digests
    assert version.variant().optimized.files[0].sha256 in version.digests
    assert {one["Key"].rpartition("/")[2] for one in stored(at)} == version.digests
    for sha256 in version.digests:
        assert at.index.references("t", sha256) == [("digits", 1)]


def test_references_are_there_before_the_version_is(at, uploads, started, monkeypatch):
    job = started()
    identified = identify(at, uploads, "t", job.id, LIMITS)
    verified = verify(at, "t", job.id, identified, ConvertedModel(None), LIMITS, 5)

    def lost(tenant, version, job):
        raise ConnectionError("the table went away")

    monkeypatch.setattr(at.registry, "register", lost)
    with pytest.raises(ConnectionError):
        register(at.registry, at.index, "t", job.id, identified, ConvertedModel(None), verified)
    assert at.index.references("t", identified.model.sha256) == [("digits", 1)]


def test_a_sample_beside_the_model_is_run_and_kept_with_the_version(at, uploads, started):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("digits.onnx", DIGITS)
        archive.writestr("sample.json", '{"pixels": [[' + "7.25, " * 63 + "7.25]]}")
    job = started(body=body.getvalue())
    version = imported(at, uploads, job)
    assert version.sample.path == "sample.json"
    assert version.sample.sha256 in version.digests
    assert any("times on the sample" in line for line in log_of(at, job))


def test_a_sample_is_referred_to_for_as_long_as_its_import_can_be_run_again(at, uploads, started):
    sample = keep(Attachment(at.artifacts, "sample.json", b"[]"), "t")
    job = started(sample=sample, body=b"no model")
    with pytest.raises(UnsupportedFormat):
        identify(at, uploads, "t", job.id, LIMITS)
    assert at.index.references("t", sample.sha256) == [("digits", 1)]


def test_the_log_tells_what_was_found_in_plain_words_and_no_data(at, uploads, started):
    sample = keep(Attachment(at.artifacts, "sample.json", b'{"pixels": [[' + b"7.25, " * 63 + b"7.25]]}"), "t")
    job = started(sample=sample)
    imported(at, uploads, job)
    text = "\n".join(log_of(at, job))
    for fact in (
        "stored 1 file with 15506 bytes, SHA-256 3e79aec7",
        "recognised as onnx, made by skl2onnx 1.20.0: opset ai.onnx 17, ai.onnx.ml 1, 3621 parameters",
        "inputs: pixels FP32 [-1, 64]; outputs: label INT64 [-1], probabilities FP32 [-1, 10]",
        "on the sample with onnxruntime",
        "(p50)",
        "(p99)",
        "the optimised graph is kept",
        "version 1 of digits is ready",
    ):
        assert fact in text
    assert "7.25" not in text


def test_an_object_overwritten_before_and_while_it_is_read_is_imported_as_its_event_named_it(at, uploads, started):
    job = started()
    overwrite = {"Bucket": "uploads", "Key": KEY, "Body": b"another upload to the same key"}
    uploads._client.put_object(**overwrite)

    class Overwritten:
        def download(self, file, target):
            uploads._client.put_object(**overwrite)
            digest = uploads.download(file, target)
            uploads._client.put_object(**overwrite)
            return digest

    identified = identify(at, Overwritten(), "t", job.id, LIMITS)
    assert identified.source.sha256 == hashlib.sha256(DIGITS).hexdigest()
    uploads._client.delete_object(Bucket="uploads", Key=KEY)
    assert identify(at, uploads, "t", job.id, LIMITS) == identified


def test_a_step_run_again_stores_nothing_twice(at, uploads, started):
    job = started()
    assert identify(at, uploads, "t", job.id, LIMITS) == identify(at, uploads, "t", job.id, LIMITS)
    assert len(stored(at)) == 1


def test_other_bytes_than_announced_are_refused_and_not_kept(at, uploads, started):
    job = started(sha256="ab" * 32)
    with pytest.raises(DigestMismatch):
        identify(at, uploads, "t", job.id, LIMITS)
    assert stored(at) == []


def test_what_cannot_be_identified_is_still_kept_as_its_source(at, uploads, started):
    job = started(body=b"no model")
    with pytest.raises(UnsupportedFormat):
        identify(at, uploads, "t", job.id, LIMITS)
    assert len(stored(at)) == 1


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x"])
def test_a_key_that_leaves_its_folder_is_refused(at, uploads, started, path):
    job = started()
    at.registry.requeue("t", replace(job, source=(replace(job.source[0], path=path),)), was=job)
    with pytest.raises(UnsafeArchive):
        identify(at, uploads, "t", job.id, LIMITS)


def test_labels_that_fit_no_output_are_refused_with_what_would_fit(at, uploads, started):
    job = started(labels=("a", "b", "c"))
    identified = identify(at, uploads, "t", job.id, LIMITS)
    with pytest.raises(LabelsMismatch, match="'probabilities' has 10"):
        verify(at, "t", job.id, identified, ConvertedModel(None), LIMITS, 5)


def test_more_inputs_and_outputs_than_a_state_may_hand_on_are_refused(at, uploads, started, monkeypatch):
    job = started()
    identified = identify(at, uploads, "t", job.id, LIMITS)
    found = import_model.verify_folder

    def with_many_outputs(*arguments):
        spec = TensorSpec("y" * 200, "FP32", (1,), "tensor(float)")
        return replace(found(*arguments), outputs=(spec,) * 1000)

    monkeypatch.setattr(import_model, "verify_folder", with_many_outputs)
    with pytest.raises(InvalidModel, match="bytes to describe"):
        verify(at, "t", job.id, identified, ConvertedModel(None), LIMITS, 5)


def test_a_failure_ends_the_attempt_that_is_running_and_no_other(registry, started):
    job = started()
    reason = Failure("verify", "model_timeout", "did not return")
    fail_job(registry, "t", job.id, job.attempt + 1, reason)
    assert registry.get_job("t", job.id).state == "running"
    for _ in range(2):
        fail_job(registry, "t", job.id, job.attempt, reason)
    assert registry.get_job("t", job.id).error == reason
    assert [line.message for line in registry.read_log("t", job.id, PageRequest()).items] == [
        "failed: did not return (model_timeout)"
    ]
    with pytest.raises(Conflict):
        registry.enter_step("t", job.id, job.attempt, "register")


def test_a_cancelled_import_stays_cancelled_whatever_its_steps_still_do(at, imports, uploads, started):
    job = started()
    identified = identify(at, uploads, "t", job.id, LIMITS)
    verified = verify(at, "t", job.id, identified, ConvertedModel(None), LIMITS, 5)
    cancel_job(at.registry, uploads, imports.runner, "t", job.id)
    with pytest.raises(Conflict):
        register(at.registry, at.index, "t", job.id, identified, ConvertedModel(None), verified)
    fail_job(at.registry, "t", job.id, job.attempt, Failure("register", "conflict", "is not running"))
    assert at.registry.get_job("t", job.id).state == "cancelled"
    assert at.registry.get_version("t", "digits", 1).state == "failed"
    assert "failed" not in "".join(log_of(at, job))


@pytest.fixture
def verifying(at, imports, uploads, started):
    """A ready version, and the job that verifies it again."""
    version = imported(at, uploads, started())
    return version, request_verification(imports, "t", "digits", 1)


def verified_again(at, runner, job):
    _, document = runner.started[-1]
    identified = read(document["identified"], IdentifiedModel)
    converted = read(document["converted"], ConvertedModel)
    at.registry.enter_step("t", job.id, document["attempt"], "verify")
    verified = verify(at, "t", job.id, identified, ConvertedModel(None), LIMITS, 5)
    return register(at.registry, at.index, "t", job.id, identified, converted, verified)


def test_verifying_again_starts_at_verify_with_what_the_version_is_made_of(imports, verifying):
    version, job = verifying
    name, document = imports.runner.started[-1]
    assert (job.kind, job.state, name) == ("verification", "running", f"verify-{job.id}")
    assert read(document["identified"], IdentifiedModel) == IdentifiedModel(
        "onnx", version.framework, version.opset, 3621, version.source, version.variant().files
    )
    assert document["converted"]["model"] is None
    assert (document["job_id"], document["attempt"]) == (job.id, 1)


def test_verifying_again_renews_the_measurements_and_nothing_else(at, imports, verifying):
    version, job = verifying
    after = verified_again(at, imports.runner, job)
    assert after == at.registry.get_version("t", "digits", 1)
    assert after.verified_at > version.verified_at
    assert after.variant().measurements != version.variant().measurements
    assert replace(after, verified_at=version.verified_at, variants=version.variants) == version
    assert at.registry.get_job("t", job.id).state == "succeeded"
    assert at.registry.usage_of("t").jobs == 0


def test_a_graph_that_is_replaced_is_wanted_a_while_longer(at, imports, verifying):
    version, job = verifying
    identified = read(imports.runner.started[-1][1]["identified"], IdentifiedModel)
    verified = replace(
        verify(at, "t", job.id, identified, ConvertedModel(None), LIMITS, 5), optimized=None, optimized_note="slower"
    )
    before = now()
    after = register(at.registry, at.index, "t", job.id, identified, ConvertedModel(None), verified)
    assert after.variant().config == {"optimized_note": "slower"}
    (dropped,) = version.digests - after.digests
    assert not at.index.mark_deleting("t", dropped, before)


def test_a_verification_that_fails_leaves_the_version_ready_and_says_why(at, imports, verifying):
    version, job = verifying
    reason = Failure("verify", "model_timeout", "did not return")
    fail_job(at.registry, "t", job.id, 1, reason)
    after = at.registry.get_version("t", "digits", 1)
    assert (after.state, after.verification_failure, after.variants) == ("ready", reason, version.variants)
    assert retry_job(imports, "t", job.id).attempt == 2
    assert imports.runner.started[-1][1]["identified"]
    assert verified_again(at, imports.runner, job).verification_failure is None


def test_a_runtime_that_sees_another_signature_fails_the_verification(at, imports, verifying):
    _, job = verifying
    identified = read(imports.runner.started[-1][1]["identified"], IdentifiedModel)
    found = verify(at, "t", job.id, identified, ConvertedModel(None), LIMITS, 5)
    other = replace(found, outputs=found.outputs[:1])
    with pytest.raises(InvalidModel, match="other inputs or outputs"):
        register(at.registry, at.index, "t", job.id, identified, ConvertedModel(None), other)


@pytest.mark.parametrize("state", ["importing", "deleted"])
def test_only_a_ready_version_is_verified_again(at, imports, uploads, started, state):
    job = started()
    if state == "deleted":
        imported(at, uploads, job)
        delete_version(at.registry, "t", "digits", 1)
    with pytest.raises(VersionNotReady, match=state):
        request_verification(imports, "t", "digits", 1)

"""Verifying a version again: what is started, and what happens when it can't be."""

from dataclasses import replace

import msgspec
import pytest

from aimass.domain.errors import JobNotRetryable, LimitExceeded, VersionNotReady
from aimass.domain.files import ModelFiles, Packed, StoredFile
from aimass.domain.jobs import Failure
from aimass.domain.model import Deletion, Variant
from aimass.usecases.import_results import ConvertedModel, IdentifiedModel, VerifiedModel
from aimass.usecases.register_model import register
from aimass.usecases.retry import retry_job
from aimass.usecases.reverify import request_verification
from aimass.usecases.versions import purge_version
from tests.unit.aws.test_registry import FILES, MEASURED, reserved, running
from tests.unit.conftest import LIMITS
from tests.unit.usecases.test_deletes import Index


@pytest.fixture
def version(registry):
    importing, job = running(registry)
    done = replace(
        importing,
        state="ready",
        format="onnx",
        framework="onnx",
        parameter_count=1,
        source=FILES,
        variants=(Variant("original", None, False, {}, FILES, None, MEASURED),),
    )
    registry.register("t", done, job)
    return done


def test_it_starts_with_what_the_import_found_out(at, version):
    job = request_verification(at, "t", "m", 1)
    ((_, document),) = at.runner.started
    assert (document["job_id"], document["identified"]["format"], document["converted"]["model"]) == (
        job.id,
        "onnx",
        None,
    )
    assert at.registry.get_version("t", "m", 1).state == "ready"


def test_one_whose_file_does_not_tell_its_parameters_is_verified_too(at, version):
    at.registry.get_version = lambda *_: replace(version, format="ort", parameter_count=None)
    request_verification(at, "t", "m", 1)
    ((_, document),) = at.runner.started
    assert document["identified"]["parameter_count"] is None


def test_one_that_cannot_be_started_is_over_and_counts_no_longer(at, version, monkeypatch):
    def down(name, document):
        raise OSError("unreachable")

    monkeypatch.setattr(at.runner, "start", down)
    with pytest.raises(OSError, match="unreachable"):
        request_verification(at, "t", "m", 1)
    assert at.limits.usage_of("t").jobs == 0
    failed = at.registry.get_version("t", "m", 1)
    assert (failed.state, failed.verification_failure.code) == ("ready", "not_started")


def test_a_version_that_was_purged_meanwhile_is_not_verified_again(at, version):
    job = request_verification(at, "t", "m", 1)
    at.registry.fail("t", at.registry.get_job("t", job.id), Failure("verify", "x", "y"))
    at.registry.delete_version("t", version, Deletion("now", "later", "ready"))
    purge_version(at.registry, Index(), "t", "m", 1)
    with pytest.raises(JobNotRetryable):
        retry_job(at, "t", job.id)
    assert (at.registry.get_job("t", job.id).state, at.limits.usage_of("t").jobs) == ("failed", 0)


def test_only_ready_versions_are_verified_and_within_the_jobs_limit(at, version):
    reserved(at.registry, 2)
    with pytest.raises(VersionNotReady):
        request_verification(at, "t", "m", 2)
    at.limits.grant("t", replace(LIMITS, jobs=1))
    with pytest.raises(LimitExceeded):
        request_verification(at, "t", "m", 1)


class Kept:
    """The index of artifacts, for which nothing here is ever swept."""

    def refer(self, tenant, model, version, digests):
        pass

    def touch(self, tenant, sha256):
        pass


def test_it_is_the_original_that_is_verified_and_compressed_variants_stay_as_they_were(at, version):
    importing, job = running(at.registry, 2)
    packed = ModelFiles("m.onnx", (StoredFile("m.onnx", "cd" * 32, 6, packed=Packed("ef" * 32, 3)),))
    small = replace(version.variants[0], name="int8", compressed="int8", files=packed, optimized=FILES)
    both = replace(version, number=2, job_id=importing.job_id, variants=(*version.variants, small))
    at.registry.register("t", replace(both, serving_variant="int8"), job)
    again = request_verification(at, "t", "m", 2)
    ((_, document),) = at.runner.started
    assert document["identified"]["model"]["files"][0]["sha256"] == FILES.sha256
    verified = VerifiedModel(both.inputs, both.outputs, replace(MEASURED, onnxruntime="2"), FILES, None)
    identified = msgspec.convert(document["identified"], IdentifiedModel)
    register(at.registry, Kept(), "t", again.id, identified, ConvertedModel(None), verified)
    after = at.registry.get_version("t", "m", 2)
    assert [one.measurements.onnxruntime for one in after.variants] == ["2", MEASURED.onnxruntime]
    assert (after.serving, after.variants[1]) == (small, small)

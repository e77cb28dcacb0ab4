from dataclasses import replace

import pytest

from aimass.domain.errors import (
    AliasNotFound,
    Conflict,
    JobExists,
    JobNotFound,
    ModelNotFound,
    VersionNotFound,
    VersionNotReady,
    VersionTaken,
)
from aimass.domain.files import ModelFiles, StoredFile
from aimass.domain.jobs import Failure, Job
from aimass.domain.model import Measurements, TensorSpec, Variant, Version
from aimass.domain.ports import PageRequest
from aimass.domain.tenants import Limits
from aimass.usecases.aliases import move_alias

FILES = ModelFiles("m.onnx", (StoredFile("m.onnx", "ab" * 32, 10),))
LIMITS = Limits(bytes=10**12, models=100, jobs=50)
PAGE = PageRequest()
MEASURED = Measurements(load_ms=1.5, memory_bytes=1000, p50_ms=0.25, p99_ms=2.0, runs=50, onnxruntime="1.31.1")


def listed(registry, **options):
    return registry.list_versions("t", "m", PAGE, **({"state": None, "tag": None} | options)).items


def move(registry, version, name="prod"):
    return move_alias(registry, "t", "m", name, version)


def reserved(registry, number=1, model="m", tenant="t", job_id=None):
    job = Job(job_id or f"job-{number}", "import", model, number, "m.onnx", "waiting", "2026-01-01T00:00:00.000Z")
    version = Version(model, number, "importing", job.id, job.created_at, "m.onnx", labels=("a", "b"))
    registry.reserve(tenant, version, job, LIMITS)
    return version, job


def running(registry, number=1, **names):
    version, job = reserved(registry, number, **names)
    started = replace(job, state="running")
    registry.requeue(names.get("tenant", "t"), started, was=job)
    return version, started


def ready(registry, number=1, **names):
    version, job = running(registry, number, **names)
    done = replace(
        version,
        state="ready",
        opset={"ai.onnx": 17},
        parameter_count=2**40,
        inputs=(TensorSpec("x", "FP32", (-1, 2), "tensor(float)"),),
        variants=(Variant("original", None, False, {}, FILES, None, MEASURED),),
    )
    registry.register(names.get("tenant", "t"), done, job)
    return done


def test_a_registered_version_reads_back_exactly(registry):
    done = ready(registry)
    assert registry.get_version("t", "m", 1) == done
    assert registry.get_job("t", "job-1").state == "succeeded"


def test_numbers_count_up_and_are_never_given_twice(registry):
    assert registry.next_number("t", "m") == 1
    reserved(registry, 1)
    reserved(registry, 7)
    assert registry.next_number("t", "m") == 8
    with pytest.raises(VersionTaken) as caught:
        reserved(registry, 7, job_id="other")
    assert caught.value.details == {"model": "m", "version": 7}
    with pytest.raises(JobNotFound):
        registry.get_job("t", "other")


def test_a_lower_free_number_can_be_reserved_and_leaves_the_count(registry):
    reserved(registry, 7)
    reserved(registry, 3)
    assert registry.next_number("t", "m") == 8


def test_a_job_is_made_once(registry):
    reserved(registry, 1, job_id="same")
    with pytest.raises(JobExists):
        reserved(registry, 2, job_id="same")
    assert registry.next_number("t", "m") == 2


def test_one_tenant_sees_nothing_of_another(registry):
    ready(registry, tenant="t")
    assert registry.list_models("u", PAGE).items == ()
    assert registry.list_jobs("u", PAGE, state=None, model=None).items == ()
    with pytest.raises(ModelNotFound):
        registry.get_version("u", "m", 1)
    with pytest.raises(JobNotFound):
        registry.get_job("u", "job-1")


def test_models_with_a_common_prefix_do_not_mix(registry):
    ready(registry, model="m", job_id="j1")
    ready(registry, model="m2", job_id="j2")
    assert [version.model for version in listed(registry)] == ["m"]
    assert [model.name for model in registry.list_models("t", PAGE).items] == ["m", "m2"]


def test_latest_is_the_highest_ready_version(registry):
    ready(registry, 1)
    ready(registry, 2)
    reserved(registry, 3)
    assert registry.latest_version("t", "m").number == 2


def test_latest_of_a_model_with_none_ready_says_so(registry):
    reserved(registry)
    with pytest.raises(VersionNotReady):
        registry.latest_version("t", "m")
    with pytest.raises(ModelNotFound):
        registry.latest_version("t", "unknown")


def test_versions_list_newest_first_past_a_page(registry):
    for number in range(1, 13):
        reserved(registry, number)
    assert [version.number for version in listed(registry)] == list(range(12, 0, -1))


def test_an_unknown_version_of_a_known_model_is_named(registry):
    ready(registry)
    with pytest.raises(VersionNotFound, match="no version 9"):
        registry.get_version("t", "m", 9)


def test_an_alias_moves_only_to_ready_versions_and_counts_its_moves(registry):
    ready(registry, 1)
    ready(registry, 2)
    reserved(registry, 3)
    assert move(registry, 1).revision == 1
    assert move(registry, 2).revision == 2
    with pytest.raises(VersionNotReady):
        move(registry, 3)
    assert registry.get_alias("t", "m", "prod").version == 2
    assert [alias.name for alias in registry.list_aliases("t", "m")] == ["prod"]
    with pytest.raises(AliasNotFound):
        registry.get_alias("t", "m", "canary")


def test_a_failure_is_kept_on_the_version_and_its_job_and_nothing_is_registered(registry):
    _, job = running(registry)
    reason = Failure("verify", "model_timeout", "did not return", {"seconds": 20})
    registry.fail("t", job, reason)
    assert registry.get_version("t", "m", 1).state == "failed"
    assert registry.get_version("t", "m", 1).failure == reason
    assert registry.get_job("t", job.id).error == reason
    assert registry.get_job("t", job.id).finished_at


def test_a_failed_version_can_import_again_and_become_ready(registry):
    version, job = running(registry)
    registry.fail("t", job, Failure("verify", "x", "y"))
    failed = registry.get_job("t", job.id)
    registry.requeue(
        "t", replace(failed, state="running", attempt=2, error=None, finished_at=None), was=failed, limits=LIMITS
    )
    again = registry.get_version("t", "m", 1)
    assert (again.state, again.failure) == ("importing", None)
    registry.register("t", replace(version, state="ready"), registry.get_job("t", job.id))
    assert registry.get_version("t", "m", 1).state == "ready"


def test_only_one_of_two_callers_requeues_a_job(registry):
    _, job = reserved(registry)
    registry.requeue("t", replace(job, state="running"), was=job)
    with pytest.raises(Conflict):
        registry.requeue("t", replace(job, state="running"), was=job)


def test_a_version_cannot_be_registered_by_another_job_or_after_failing(registry):
    version, job = running(registry)
    with pytest.raises(Conflict):
        registry.register("t", replace(version, state="ready"), replace(job, id="another"))
    registry.fail("t", job, Failure("verify", "x", "y"))
    with pytest.raises(Conflict):
        registry.register("t", replace(version, state="ready"), job)


def test_a_job_that_succeeded_cannot_fail_any_more(registry):
    ready(registry)
    with pytest.raises(Conflict):
        registry.fail("t", registry.get_job("t", "job-1"), Failure("verify", "x", "y"))
    assert registry.get_version("t", "m", 1).state == "ready"


def test_what_an_earlier_attempt_still_says_does_not_reach_a_later_one(registry):
    version, first = running(registry)
    registry.fail("t", first, Failure("verify", "x", "y"))
    failed = registry.get_job("t", first.id)
    registry.requeue(
        "t", replace(failed, state="running", attempt=2, error=None, finished_at=None), was=failed, limits=LIMITS
    )
    with pytest.raises(Conflict):
        registry.enter_step("t", first.id, 1, "identify")
    with pytest.raises(Conflict):
        registry.fail("t", first, Failure("verify", "late", "y"))
    with pytest.raises(Conflict):
        registry.register("t", replace(version, state="ready"), first)
    assert registry.get_job("t", first.id).state == "running"


def test_steps_are_noted_with_their_times_and_only_while_running(registry):
    _, job = running(registry)
    registry.enter_step("t", job.id, 1, "identify")
    registry.enter_step("t", job.id, 1, "convert")
    noted = registry.get_job("t", job.id)
    assert [(one.step, one.attempt) for one in noted.steps] == [("identify", 1), ("convert", 1)]
    assert noted.step == "convert"
    registry.fail("t", job, Failure("convert", "x", "y"))
    with pytest.raises(Conflict):
        registry.enter_step("t", job.id, 1, "verify")

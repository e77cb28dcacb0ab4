"""Limits of a tenant: reserved with the upload, settled with the end of its job."""

from dataclasses import replace

import pytest

from aimass.domain.errors import Conflict, LimitExceeded
from aimass.domain.jobs import Failure
from aimass.domain.model import Variant, Version
from aimass.domain.tenants import Limits, Usage
from aimass.usecases.uploads import NewVersion, reserve
from tests.unit.aws.test_registry import FILES, MEASURED

ROOM = Limits(bytes=100, models=2, jobs=2)


def start(registry, size=10, model="m", limits=ROOM, tenant="t"):
    return reserve(registry, tenant, NewVersion(model, "a.onnx", size=size), limits)


def run(registry, job):
    running = replace(job, state="running")
    registry.requeue("t", running, was=job)
    return running


def test_an_upload_reserves_what_it_announces_and_its_model_and_job(registry, limits):
    start(registry)
    start(registry)
    assert limits.usage_of("t") == Usage(bytes=20, models=1, jobs=2)
    assert limits.usage_of("u") == Usage()


@pytest.mark.parametrize(
    ("room", "what"),
    [(Limits(15, 9, 9), "bytes"), (Limits(99, 1, 9), "models"), (Limits(99, 9, 1), "jobs")],
)
def test_what_does_not_fit_is_refused_with_limit_used_and_asked_and_reserves_nothing(registry, limits, room, what):
    start(registry)
    with pytest.raises(LimitExceeded) as caught:
        start(registry, model="other", limits=room)
    details = caught.value.details
    assert (details["limit"], details["allowed"], details["used"]) == (
        what,
        getattr(room, what),
        {"bytes": 10, "models": 1, "jobs": 1}[what],
    )
    assert ("retry_after" in details) == (what == "jobs")
    assert limits.usage_of("t") == Usage(bytes=10, models=1, jobs=1)
    assert registry.next_number("t", "other") == 1


def test_what_another_call_took_meanwhile_is_not_given_twice(registry, limits, monkeypatch):
    monkeypatch.setattr(registry, "usage_of", lambda tenant: Usage())
    start(registry, size=60)
    with pytest.raises(LimitExceeded, match="other calls"):
        start(registry, size=60)
    assert limits.usage_of("t").bytes == 60


def test_a_failed_job_gives_all_back_and_its_retry_takes_it_again(registry, limits):
    job = run(registry, start(registry, size=60))
    registry.fail("t", job, Failure("verify", "x", "y"))
    assert limits.usage_of("t") == Usage(bytes=0, models=1, jobs=0)
    failed = registry.get_job("t", job.id)
    again = replace(failed, state="running", attempt=2, finished_at=None, error=None)
    with pytest.raises(LimitExceeded):
        registry.requeue("t", again, was=failed, limits=Limits(59, 9, 9))
    registry.requeue("t", again, was=failed, limits=ROOM)
    assert limits.usage_of("t") == Usage(bytes=60, models=1, jobs=1)


def test_a_registered_version_counts_what_it_really_takes_each_file_once(registry, limits):
    job = run(registry, start(registry, size=60))
    version = registry.get_version("t", "m", 1)
    original = Variant("original", None, False, {}, FILES, FILES, MEASURED)
    registry.register("t", replace(version, state="ready", source=FILES, variants=(original,)), job)
    assert limits.usage_of("t") == Usage(bytes=FILES.size, models=1, jobs=0)


def test_nothing_is_settled_twice(registry, limits):
    job = run(registry, start(registry))
    registry.fail("t", job, Failure("verify", "x", "y"))
    with pytest.raises(Conflict):
        registry.fail("t", job, Failure("verify", "x", "y"))
    assert limits.usage_of("t").jobs == 0


def test_a_tenant_may_be_granted_its_own_limits(limits):
    default = limits.limits_of("t")
    limits.grant("t", replace(default, jobs=7, calls_per_second=5))
    assert limits.limits_of("t") == replace(default, jobs=7, calls_per_second=5)
    assert limits.limits_of("u") == default


def test_a_version_without_files_counts_nothing():
    assert Version("m", 1, "importing", "j", "", "a").stored_bytes == 0

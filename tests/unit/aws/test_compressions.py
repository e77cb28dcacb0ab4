"""The registry's transactions of compressions."""

from dataclasses import replace

import pytest

from aimass.adapters.aws.items import attribute
from aimass.adapters.aws.registry.table import key, version_key
from aimass.domain.compression import Candidate, Compression, CompressionCall
from aimass.domain.errors import CompressionRunning, Conflict, JobExists, LimitExceeded, VersionNotReady
from aimass.domain.files import ModelFiles, Packed, StoredFile
from aimass.domain.jobs import Failure, Job
from aimass.domain.model import Deletion, Variant
from aimass.domain.tenants import Limits
from tests.unit.aws.test_registry import FILES, LIMITS, MEASURED, listed, ready, running

SMALL = ModelFiles("model.onnx", (StoredFile("model.onnx", "cd" * 32, 6, packed=Packed("ef" * 32, 3)),))
INT8 = Variant("int8", "int8", False, {"of": "compress-1"}, SMALL, None, MEASURED)
REPORT = StoredFile("report.json", "12" * 32, 100), StoredFile("report.html", "34" * 32, 200)


def compression(job_id="compress-1", chosen="int8"):
    return Compression(job_id, "then", {"agreement": 0.99}, "balanced", chosen, "best", ("int8",), *REPORT)


def job(job_id="compress-1", state="running", **changes):
    call = CompressionCall(examples=job_id, filename="rows.csv", size=5)
    new = Job(job_id, "compression", "m", 1, "rows.csv", state, "2026-01-01T00:00:00.000Z", reserved_bytes=10)
    return replace(new, compression=call, execution=f"compress-{job_id}", **changes)


def compressed(version, job_id="compress-1"):
    return replace(version, variants=(*version.variants, INT8), compressions=(compression(job_id),), compressing=None)


@pytest.fixture
def version(registry):
    return ready(registry)


@pytest.fixture
def started(registry, version):
    registry.start_compression("t", job(), LIMITS)
    return job()


def held(registry):
    return registry.get_version("t", "m", 1).compressing


def epoch(registry):
    return registry.model_epoch("t", "m")


def fail(registry, one, **options):
    registry.fail("t", one, Failure("plan", "code", "text"), **options)


def test_a_started_compression_holds_its_version_and_what_it_may_take(registry, started, limits):
    assert registry.get_job("t", started.id) == started
    assert held(registry) == started.id
    assert (limits.usage_of("t").jobs, limits.usage_of("t").bytes) == (1, 20)


def test_a_version_is_compressed_by_one_job_at_a_time(registry, started, limits):
    with pytest.raises(CompressionRunning) as caught:
        registry.start_compression("t", job("second"), LIMITS)
    assert caught.value.details["job_id"] == started.id
    assert f"/api/v1/jobs/{started.id}/cancel" in caught.value.message
    assert limits.usage_of("t").jobs == 1


def test_of_two_that_start_at_once_one_is_refused_whole(registry, version, limits, monkeypatch):
    read = registry.get_version

    def other_first(*asked):
        found = read(*asked)
        monkeypatch.undo()
        registry.start_compression("t", job("first"), LIMITS)
        return found

    monkeypatch.setattr(registry, "get_version", other_first)
    with pytest.raises(Conflict):
        registry.start_compression("t", job("second"), LIMITS)
    assert held(registry) == "first"
    assert limits.usage_of("t").jobs == 1


def test_only_a_ready_version_is_compressed(registry):
    running(registry)
    with pytest.raises(VersionNotReady, match="importing"):
        registry.start_compression("t", job(), LIMITS)


def test_what_does_not_fit_the_tenant_s_limits_holds_nothing(registry, version):
    with pytest.raises(LimitExceeded):
        registry.start_compression("t", job(), Limits(bytes=15, models=1, jobs=1))
    assert held(registry) is None


def test_a_job_of_the_same_id_is_made_once(registry, started):
    fail(registry, started)
    with pytest.raises(JobExists):
        registry.start_compression("t", job(), LIMITS)
    assert held(registry) is None


def test_a_waiting_one_begins_once(registry, version):
    waiting = job(state="waiting")
    registry.start_compression("t", waiting, LIMITS)
    registry.begin_compression("t", job(), was=waiting)
    assert registry.get_job("t", "compress-1").state == "running"
    with pytest.raises(Conflict):
        registry.begin_compression("t", job(), was=waiting)


def test_candidates_are_told_of_as_they_go_planned_or_not(registry, started):
    registry.plan_candidates("t", started.id, 1, ["int8", "fp16-weights"])
    registry.note_candidate("t", started.id, 1, "int8", Candidate("evaluated", 3.9, 2.5, 0.001))
    registry.note_candidate("t", started.id, 1, "int8-mixed.2", Candidate("rejected", reason="larger"))
    assert registry.get_job("t", started.id).candidates == {
        "int8": Candidate("evaluated", 3.9, 2.5, 0.001),
        "fp16-weights": Candidate("waiting"),
        "int8-mixed.2": Candidate("rejected", reason="larger"),
    }


@pytest.mark.parametrize("attempt", [1, 2])
def test_an_attempt_that_does_not_run_tells_of_no_candidate(registry, started, attempt):
    if attempt == 1:
        fail(registry, started, state="cancelled")
    with pytest.raises(Conflict, match="not running"):
        registry.plan_candidates("t", started.id, attempt, ["int8"])
    with pytest.raises(Conflict, match="not running"):
        registry.note_candidate("t", started.id, attempt, "int8", Candidate("compressing"))
    assert registry.get_job("t", started.id).candidates == {}


def register(registry, version, one):
    done = replace(one, candidates={"int8": Candidate("chosen", 3.9, 2.5, 0.001)})
    after = compressed(registry.get_version("t", "m", 1), one.id)
    registry.register_compression("t", registry.get_version("t", "m", 1), after, done, LIMITS)
    return after, done


def test_a_registered_compression_reads_back_and_frees_its_version(registry, version, started, limits):
    before = epoch(registry)
    after, done = register(registry, version, started)
    assert registry.get_version("t", "m", 1) == after
    ended = registry.get_job("t", started.id)
    assert (ended.state, ended.candidates) == ("succeeded", done.candidates)
    assert epoch(registry) > before
    assert (limits.usage_of("t").jobs, limits.usage_of("t").bytes) == (0, after.stored_bytes)
    assert listed(registry)[0].variant_names == ("original", "int8")


def test_what_was_compressed_of_a_version_that_changed_is_not_registered(registry, version, started):
    before = registry.get_version("t", "m", 1)
    other = replace(before, variants=(replace(before.variants[0], config={"verified": "again"}),))
    with pytest.raises(Conflict):
        registry.register_compression("t", other, compressed(other), started, LIMITS)
    assert held(registry) == started.id


def test_a_compression_that_was_cancelled_registers_nothing(registry, version, started, limits):
    fail(registry, started, state="cancelled")
    with pytest.raises(Conflict):
        registry.register_compression("t", version, compressed(version), started, LIMITS)
    assert registry.get_version("t", "m", 1).variants == version.variants
    assert limits.usage_of("t").bytes == version.stored_bytes


@pytest.mark.parametrize("state", ["waiting", "running"])
def test_one_that_fails_frees_its_version_which_stays_ready(registry, version, limits, state):
    one = job(state=state)
    registry.start_compression("t", one, LIMITS)
    fail(registry, one)
    assert registry.get_job("t", one.id).error.code == "code"
    assert registry.get_version("t", "m", 1) == version
    assert (limits.usage_of("t").jobs, limits.usage_of("t").bytes) == (0, version.stored_bytes)


def test_variants_that_the_tenant_has_no_bytes_left_for_are_not_registered(registry, version, started, limits):
    """What the job reserved is the variants' first; what they take above has to fit."""
    after = compressed(registry.get_version("t", "m", 1))
    most = after.stored_bytes
    with pytest.raises(LimitExceeded, match=f"may have {most - 1} bytes") as refused:
        registry.register_compression(
            "t", version, after, replace(started, reserved_bytes=0), Limits(most - 1, 100, 50)
        )
    assert refused.value.details["limit"] == "bytes"
    assert held(registry) == started.id
    assert registry.get_version("t", "m", 1).variants == version.variants


def test_a_version_that_is_being_compressed_is_not_deleted(registry, version, started):
    deletion = Deletion("then", "then", "ready")
    with pytest.raises(CompressionRunning, match=f"/api/v1/jobs/{started.id}/cancel"):
        registry.delete_version("t", registry.get_version("t", "m", 1), deletion)
    with pytest.raises(Conflict):  # as it was read before the compression began
        registry.delete_version("t", version, deletion)
    fail(registry, started)
    registry.delete_version("t", version, deletion)


def test_one_that_runs_again_holds_its_version_again(registry, started, limits):
    fail(registry, started)
    was = registry.get_job("t", started.id)
    registry.requeue("t", replace(started, attempt=2), was=was, limits=LIMITS)
    assert held(registry) == started.id
    assert limits.usage_of("t").bytes == 20


def test_one_does_not_run_again_while_another_compresses_its_version(registry, started, limits):
    fail(registry, started)
    registry.start_compression("t", job("second"), LIMITS)
    was = registry.get_job("t", started.id)
    with pytest.raises(CompressionRunning) as caught:
        registry.requeue("t", replace(started, attempt=2), was=was, limits=LIMITS)
    assert caught.value.details["job_id"] == "second"
    assert limits.usage_of("t").jobs == 1


@pytest.fixture
def with_int8(registry, version, started):
    register(registry, version, started)
    return registry.get_version("t", "m", 1)


def test_what_a_version_answers_with_is_changed_and_whoever_serves_it_is_told(registry, with_int8):
    before = epoch(registry)
    registry.describe_version("t", with_int8, replace(with_int8, serving_variant="int8"))
    assert registry.get_version("t", "m", 1) == replace(with_int8, serving_variant="int8")
    assert epoch(registry) > before


def test_a_variant_that_was_removed_meanwhile_is_not_chosen(registry, with_int8):
    registry.remove_variant("t", with_int8, replace(with_int8, variants=with_int8.variants[:1]))
    with pytest.raises(Conflict):
        registry.describe_version("t", with_int8, replace(with_int8, serving_variant="int8"))


def test_a_removed_variant_gives_its_bytes_back(registry, with_int8, limits):
    after, before = replace(with_int8, variants=with_int8.variants[:1]), epoch(registry)
    registry.remove_variant("t", with_int8, after)
    assert registry.get_version("t", "m", 1) == after
    assert limits.usage_of("t").bytes == with_int8.stored_bytes - 3
    assert listed(registry)[0].variant_names == ("original",)
    assert epoch(registry) > before


def test_a_variant_that_came_to_answer_meanwhile_is_not_removed(registry, with_int8, limits):
    registry.describe_version("t", with_int8, replace(with_int8, serving_variant="int8"))
    with pytest.raises(Conflict):
        registry.remove_variant("t", with_int8, replace(with_int8, variants=with_int8.variants[:1]))
    assert limits.usage_of("t").bytes == with_int8.stored_bytes


def as_before_there_were_compressions(registry):
    """The version's item without the fields that came with compressions."""
    files = {"main": "m.onnx", "files": [{"path": "m.onnx", "sha256": FILES.files[0].sha256, "size": 10, "memory": 0}]}
    item = registry._get("t", version_key("m", 1))
    for name in ("serving_variant", "compressing", "compressions"):
        del item[name]
    item["variants"]["L"][0]["M"]["files"] = attribute(files)
    registry._client.put_item(TableName="table", Item=item | key("t", version_key("m", 1)))


def test_a_version_of_before_is_compressed_and_chosen_of_as_any_other(registry, version):
    as_before_there_were_compressions(registry)
    registry.start_compression("t", job(), LIMITS)
    register(registry, version, job())
    found = registry.get_version("t", "m", 1)
    registry.describe_version("t", found, replace(found, serving_variant="int8"))
    assert registry.get_version("t", "m", 1).serving == INT8

"""Compressions as jobs: asked for, started when their examples come, cancelled, run again."""

from dataclasses import replace

import pytest

from aimass.adapters.aws.due import DynamoDueList
from aimass.adapters.aws.examples import S3ExampleFiles
from aimass.adapters.aws.predictions import S3PredictionFiles
from aimass.domain.clock import later, now
from aimass.domain.compression import MOST_VARIANTS, Candidate, CompressionCall
from aimass.domain.errors import (
    AnswerExpired,
    CompressionRunning,
    InvalidArguments,
    JobNotEnded,
    JobNotRetryable,
    LimitExceeded,
    ModelNotFound,
    NoAnswer,
    NotServable,
    PayloadTooLarge,
    VersionNotFound,
    VersionNotReady,
)
from aimass.domain.jobs import Failure
from aimass.domain.tenants import Limits
from aimass.usecases import examples as shown
from aimass.usecases.cancel import cancel_job
from aimass.usecases.compression_reports import compressed, ended_compression
from aimass.usecases.compressions import (
    Compressions,
    Data,
    NewCompression,
    grant,
    request_compression,
    start_compression,
)
from aimass.usecases.models import delete_model, purge_model
from aimass.usecases.retry import retry_job
from aimass.usecases.settle import House, settle_due
from aimass.usecases.start_import import ArrivedObject, Imports
from aimass.usecases.versions import delete_version
from tests.unit.aws.test_compressions import register
from tests.unit.aws.test_registry import ready, running
from tests.unit.usecases.conftest import Runner

ROWS = Data(size=4, filename="rows.csv")


@pytest.fixture
def at(registry, uploads, limits):
    return Compressions(registry, S3ExampleFiles(uploads._client, "uploads"), Runner(), limits)


@pytest.fixture
def version(registry):
    return ready(registry)


@pytest.fixture
def control(at, uploads):
    """What ends jobs, and runs them again."""
    return Imports(at.registry, uploads, at.runner, at.limits)


@pytest.fixture
def house(at, uploads, index):
    files = S3PredictionFiles(uploads._client, "uploads")
    return House(at.registry, index, uploads, DynamoDueList(at.registry._client, "table"), None, files)


def ask(at, **wanted):
    return request_compression(at, "t", NewCompression("m", 1, **wanted))


def put(at, key, body=b"rows"):
    stored = at.examples._client.put_object(Bucket="uploads", Key=key, Body=body)
    return ArrivedObject("uploads", key, stored["VersionId"], len(body), now())


def send(at, job):
    """Puts the file that the job waits for, and returns what its event says."""
    return put(at, f"data/t/{job.id}/{job.filename}")


def started(at):
    return [name for name, _ in at.runner.started]


def fail(at, job):
    at.registry.fail("t", at.registry.get_job("t", job.id), Failure("plan", "code", "text"))


def test_one_without_examples_runs_at_once_with_what_was_asked(at, version):
    job = ask(at, budget={"agreement": 0.99}, methods=["int8"], target="gpu", objective="size")
    assert at.registry.get_job("t", job.id) == job
    assert (job.state, job.step, job.filename) == ("running", "prepare", "m.onnx")
    assert job.compression == CompressionCall("gpu", "size", {"agreement": 0.99}, ("int8",))
    document = {"tenant": "t", "model": "m", "version": 1, "job_id": job.id, "attempt": 1}
    assert at.runner.started == [(f"compress-{job.id}", document)]
    assert at.limits.usage_of("t").bytes == version.stored_bytes + version.variant().files.size


def test_one_over_a_folder_runs_at_once(at, version):
    put(at, "data/t/digits/2026/a.png")
    put(at, "data/t/digits/2026/b.png")
    job = ask(at, data=Data(prefix="digits/2026/"))
    assert job.compression == CompressionCall(examples="digits/2026", files=2)
    assert job.filename == "digits/2026/"
    assert started(at) == [f"compress-{job.id}"]


def test_one_whose_file_will_be_sent_waits_for_it_and_starts_once(at, version):
    job = ask(at, data=ROWS)
    assert (job.state, job.step, started(at)) == ("waiting", "upload", [])
    granted = grant(at, "t", job)
    assert f"/data/t/{job.id}/rows.csv" in granted.url
    assert granted.headers == {"content-length": "4"}
    arrived = send(at, job)
    for _ in range(2):
        assert start_compression(at, arrived) == job.id
    assert started(at) == [f"compress-{job.id}"]
    running_now = at.registry.get_job("t", job.id)
    assert (running_now.state, running_now.step) == ("running", "prepare")
    assert grant(at, "t", running_now) is None


def test_an_event_that_broke_off_before_its_start_starts_it_when_it_comes_again(at, version, monkeypatch):
    job = ask(at, data=ROWS)
    arrived = send(at, job)

    def down(name, document):
        raise OSError("unreachable")

    monkeypatch.setattr(at.runner, "start", down)
    with pytest.raises(OSError, match="unreachable"):
        start_compression(at, arrived)
    monkeypatch.undo()
    assert start_compression(at, arrived) == job.id
    assert started(at) == [f"compress-{job.id}"]


@pytest.mark.parametrize(
    "key",
    [
        "data/t/digits/rows.csv",
        "data/t/{job}/other.csv",
        "data/t/{job}/deep/rows.csv",
        "data/t/{job}/",
        "data/t/{job}",
        "data/t/rows.csv",
        "data/other/{job}/rows.csv",
        "data/",
    ],
)
def test_any_other_object_starts_nothing(at, version, key):
    job = ask(at, data=ROWS)
    assert start_compression(at, put(at, key.format(job=job.id))) is None
    assert started(at) == []
    assert at.registry.get_job("t", job.id).state == "waiting"


def test_an_object_in_a_folder_that_is_named_as_a_job_of_another_kind_starts_nothing(at, version):
    assert start_compression(at, put(at, "data/t/job-1/m.onnx")) is None
    assert started(at) == []


def test_a_file_that_comes_after_its_job_was_cancelled_starts_nothing(at, version, control):
    job = ask(at, data=ROWS)
    cancelled = cancel_job(control.registry, control.uploads, control.runner, "t", job.id)
    assert cancelled.state == "cancelled"
    assert start_compression(at, send(at, job)) is None
    assert started(at) == []
    with pytest.raises(JobNotRetryable, match="ask for the compression again"):
        retry_job(control, "t", job.id)


def test_a_file_that_does_not_come_within_a_day_ends_its_job_and_frees_its_version(at, version, house):
    job = ask(at, data=ROWS)
    assert settle_due(house, later(now(), hours=24), lambda: True)["uploads_expired"] == 0
    assert settle_due(house, later(now(), hours=26), lambda: True)["uploads_expired"] == 1
    ended = at.registry.get_job("t", job.id)
    assert (ended.state, ended.error.code) == ("failed", "upload_expired")
    assert "rows.csv" in ended.error.message
    assert at.registry.get_version("t", "m", 1).compressing is None
    assert at.limits.usage_of("t").jobs == 0
    ask(at)


def test_one_that_cannot_be_started_is_over_and_frees_its_version(at, version, monkeypatch):
    def down(name, document):
        raise OSError("unreachable")

    monkeypatch.setattr(at.runner, "start", down)
    with pytest.raises(OSError, match="unreachable"):
        ask(at)
    assert at.registry.get_version("t", "m", 1).compressing is None
    assert at.limits.usage_of("t").jobs == 0


def test_a_version_that_is_being_compressed_is_not_compressed_twice(at, version):
    job = ask(at)
    with pytest.raises(CompressionRunning) as caught:
        ask(at, data=ROWS)
    assert caught.value.details["job_id"] == job.id


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ({"budget": {"speed": 0.1}}, "budget.speed"),
        ({"methods": ["int3"]}, "methods"),
        ({"data": Data()}, "data"),
        ({"data": Data(size=4)}, "data"),
        ({"data": Data(filename="a.csv")}, "data"),
        ({"data": Data(4, "a.csv", "digits")}, "data"),
        ({"data": Data(4, "a/b.csv")}, "data.filename"),
        ({"data": Data(4, "..")}, "data.filename"),
        ({"data": Data(prefix="nothing-here")}, "data.prefix"),
        ({"data": Data(prefix="../other")}, "data.prefix"),
        ({"data": Data(prefix="a//b")}, "data.prefix"),
        ({"data": Data(prefix="/")}, "data.prefix"),
        ({"data": Data(prefix="a\nb")}, "data.prefix"),
        ({"data": Data(prefix="x" * 513)}, "data.prefix"),
    ],
)
def test_what_cannot_be_done_is_refused_before_there_is_a_job(at, version, wanted, error):
    with pytest.raises(InvalidArguments) as caught:
        ask(at, **wanted)
    assert list(caught.value.details["fields"]) == [error]
    assert at.limits.usage_of("t").jobs == 0
    assert at.registry.get_version("t", "m", 1).compressing is None


def test_a_file_larger_than_a_compression_reads_is_refused_with_the_limit(at, version):
    with pytest.raises(PayloadTooLarge, match="2147483648") as caught:
        ask(at, data=Data(2**31 + 1, "a.csv"))
    assert caught.value.details == {"size": 2**31 + 1, "limit": 2**31}


def test_another_tenant_s_folder_is_no_folder(at, version):
    put(at, "data/other/digits/a.csv")
    with pytest.raises(InvalidArguments, match="nothing lies under data/t/digits/"):
        ask(at, data=Data(prefix="digits"))


@pytest.mark.parametrize(("limit", "value"), [("MAX_FILES", 1), ("MAX_BYTES", 7)])
def test_a_folder_with_more_than_a_compression_reads_is_refused(at, version, monkeypatch, limit, value):
    for name in ("a.csv", "b.csv"):
        put(at, f"data/t/digits/{name}")
    ask(at, data=Data(prefix="digits"))
    monkeypatch.setattr(shown, limit, value)
    with pytest.raises(InvalidArguments, match=str(value)):
        ask(at, data=Data(prefix="digits"))


def test_only_what_can_answer_is_compressed(at, registry):
    with pytest.raises(ModelNotFound):
        ask(at)
    importing, job = running(registry)
    with pytest.raises(VersionNotReady, match="importing"):
        ask(at)
    registry.register("t", replace(importing, state="stored"), job)
    with pytest.raises(NotServable):
        ask(at)
    with pytest.raises(VersionNotFound):
        request_compression(at, "t", NewCompression("m", 2))


def test_a_tenant_that_has_all_its_jobs_is_told_to_wait(at, version):
    class Granted:
        def limits_of(self, tenant):
            return Limits(bytes=10**12, models=1, jobs=0)

    with pytest.raises(LimitExceeded) as caught:
        ask(replace(at, limits=Granted()))
    assert caught.value.details["limit"] == "jobs"


def test_a_failed_one_runs_again_over_the_same_examples(at, version, control):
    job = ask(at, data=ROWS)
    start_compression(at, send(at, job))
    at.registry.plan_candidates("t", job.id, 1, ["int8"])
    fail(at, job)
    again = retry_job(control, "t", job.id)
    assert (again.state, again.attempt, again.candidates, again.compression) == ("running", 2, {}, job.compression)
    assert started(at) == [f"compress-{job.id}", f"compress-{job.id}-2"]
    assert at.registry.get_version("t", "m", 1).compressing == job.id


def test_the_event_of_its_file_does_not_start_a_second_attempt(at, version, control):
    job = ask(at, data=ROWS)
    arrived = send(at, job)
    start_compression(at, arrived)
    fail(at, job)
    retry_job(control, "t", job.id)
    at.runner.started.clear()
    assert start_compression(at, arrived) is None
    assert started(at) == []


def test_it_does_not_run_again_while_another_compresses_its_version(at, version, control):
    job = ask(at)
    fail(at, job)
    other = ask(at)
    with pytest.raises(CompressionRunning) as caught:
        retry_job(control, "t", job.id)
    assert caught.value.details["job_id"] == other.id


def test_a_running_one_is_stopped(at, version, control):
    job = ask(at)
    cancel_job(control.registry, control.uploads, control.runner, "t", job.id)
    assert at.runner.ended == {f"compress-{job.id}"}
    assert at.registry.get_version("t", "m", 1).compressing is None


def test_what_it_came_to_is_known_once_it_has_ended(at, version):
    job = ask(at)
    with pytest.raises(JobNotEnded, match="running"):
        ended_compression(at.registry, "t", job)
    assert compressed(at.registry, "t", job) is None
    register(at.registry, version, job)
    ended = at.registry.get_job("t", job.id)
    assert ended.candidates["int8"] == Candidate("chosen", 3.9, 2.5, 0.001)
    found = ended_compression(at.registry, "t", ended)
    assert (found.job_id, found.chosen) == (job.id, "int8")
    assert compressed(at.registry, "t", ended) == found


def test_one_that_failed_and_a_job_of_another_kind_have_no_report(at, version):
    job = ask(at)
    fail(at, job)
    with pytest.raises(NoAnswer, match="text"):
        ended_compression(at.registry, "t", at.registry.get_job("t", job.id))
    with pytest.raises(NoAnswer, match="import"):
        ended_compression(at.registry, "t", at.registry.get_job("t", "job-1"))


def test_what_it_came_to_may_be_kept_no_longer(at, version):
    job = ask(at)
    register(at.registry, version, job)
    ended = at.registry.get_job("t", job.id)
    at.registry.get_version = lambda *_: version
    assert compressed(at.registry, "t", ended) is None
    with pytest.raises(AnswerExpired):
        ended_compression(at.registry, "t", ended)


def test_examples_that_will_come_take_of_the_tenants_bytes_while_the_job_has_them(at, version, control, limits):
    job = ask(at, data=ROWS)
    assert job.reserved_bytes == version.variant().files.size + ROWS.size
    assert limits.usage_of("t").bytes == version.stored_bytes + job.reserved_bytes
    cancel_job(control.registry, control.uploads, control.runner, "t", job.id)
    assert limits.usage_of("t").bytes == version.stored_bytes


def test_a_version_with_as_many_variants_as_there_may_be_is_refused_before_any_work(at, version, monkeypatch):
    full = replace(version, variants=version.variants * (MOST_VARIANTS + 1))
    monkeypatch.setattr(at.registry, "get_version", lambda *_: full)
    with pytest.raises(LimitExceeded, match="24 compressed variants, as many as there may be"):
        ask(at)


def test_a_version_that_is_being_compressed_is_neither_deleted_nor_purged(at, version, control):
    job = ask(at)
    with pytest.raises(CompressionRunning, match=f"/api/v1/jobs/{job.id}/cancel"):
        delete_version(at.registry, "t", "m", 1)
    cancel_job(control.registry, control.uploads, control.runner, "t", job.id)
    delete_version(at.registry, "t", "m", 1)
    assert at.registry.get_version("t", "m", 1).state == "deleted"


def test_a_deleted_model_is_purged_once_its_compression_has_ended(at, version, control, house):
    job = ask(at)
    delete_model(at.registry, "t", "m")
    purge_model(at.registry, "t", "m")
    assert settle_due(house, later(now(), days=1), lambda: True)["models_purged"] == 0
    cancel_job(control.registry, control.uploads, control.runner, "t", job.id)
    assert settle_due(house, later(now(), days=1), lambda: True)["models_purged"] == 1

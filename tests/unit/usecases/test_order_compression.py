"""What an order of a compression names, and what it lets the job do."""

import json

import pytest

from aimass.adapters.aws.conversions import S3ConversionFiles
from aimass.compression.names import MOST_RECIPES
from aimass.compression.recipe import MIXED
from aimass.compression.steps import files as steps
from aimass.domain.errors import CompressorMissing, Conflict
from aimass.domain.jobs import Job
from aimass.usecases.compression_progress import progress_key, progress_slugs
from aimass.usecases.order_compression import URL_SECONDS, LargeCompressions, order_compression
from aimass.usecases.order_conversion import JobLimits

WORKSPACE = "compressions/t/m/1/" + "ab" * 32
JOB = Job("job", "compression", "m", 1, "", "running", "2026-05-01T10:00:00.000Z", attempt=2)
NAMES = ["int8", "pruned30-int8"]
LIMITS = JobLimits(seconds=60, memory_mb=1000, disk_mb=2000)


class Registry:
    def __init__(self):
        self.lines = []

    def get_job(self, tenant, job_id):
        return JOB

    def log(self, tenant, job_id, attempt, step, message):
        self.lines.append((attempt, step, message))


def at_home(name):
    """Where it lies: what is a job's own in the job's folder."""
    return f"jobs/job/{name}" if name in ("asked.json", "planned.json", "chosen.json") else name


class Workspaces:
    """URLs that say what they are for."""

    def __init__(self, *names):
        self._names = list(names)

    def names(self, workspace):
        assert workspace == WORKSPACE
        return [at_home(name) for name in self._names]

    def get_url(self, workspace, name, seconds):
        return f"get {workspace}/{name} {seconds}"

    def put_url(self, workspace, name, seconds):
        return f"put {workspace}/{name} {seconds}"


THERE = ("model.onnx", "asked.json", "prepared.json", "planned.json", "calibration.npz", "choosing.npz", "held_out.npz")


def ordered(uploads, *there, here=True, registry=None, attempt=2):
    """The order's key in its bucket, and the order."""
    files = S3ConversionFiles(uploads._client, "uploads")
    at = LargeCompressions(registry or Registry(), Workspaces(*there), files, here, LIMITS)
    url = order_compression(at, "t", "job", attempt, WORKSPACE, NAMES).order_url
    key = "compressions/.orders/t/job/2/order.json"
    assert f"{key}?" in url
    return json.loads(uploads._client.get_object(Bucket="uploads", Key=key)["Body"].read())


def test_an_order_names_the_candidates_what_lies_there_and_the_limits(uploads):
    order = ordered(uploads, *THERE, "chosen.json", "candidates/int8/model.onnx")
    assert order["names"] == NAMES
    assert list(order["files"]) == ["model.onnx", "asked.json", "prepared.json", "planned.json", *THERE[4:]]
    assert order["limits"] == {"seconds": 60, "memory_mb": 1000, "disk_mb": 2000}


def test_what_may_be_left_is_what_the_steps_leave_and_goes_to_the_workspace_alone(uploads):
    order = ordered(uploads, *THERE)
    known = [*NAMES, *(f"{name}{MIXED}" for name in NAMES)]
    left = {one for name in known for one in steps.candidate_files(name)} | {"chosen.json"}
    assert set(order["outputs"]) == set(order["kept"]) == left
    for name in left:
        assert order["outputs"][name] == f"put {WORKSPACE}/{at_home(name)} {URL_SECONDS}"
        assert order["kept"][name] == f"get {WORKSPACE}/{at_home(name)} {URL_SECONDS}"


def test_what_is_read_is_what_the_steps_read(uploads):
    order = ordered(uploads, *THERE, "model.onnx.data")
    name = NAMES[0]
    every = (steps.compress_files, steps.evaluate_files, steps.repair_files)
    read = {one for files in every for one in files(name).reads} | set(steps.choose_files(NAMES, NAMES).reads)
    assert {one for one in read if not one.startswith("candidates/")} == set(order["files"])


def test_progress_goes_to_the_attempts_own_folder(uploads):
    order = ordered(uploads, *THERE)
    slugs = progress_slugs([*NAMES, *(f"{name}{MIXED}" for name in NAMES)])
    assert list(order["progress"]) == slugs
    for slug, url in order["progress"].items():
        assert f"/{progress_key('t', JOB, slug)}?" in url
        assert f"X-Amz-Expires={URL_SECONDS}" in url


def test_an_order_is_read_as_the_job_reads_it(uploads, monkeypatch):
    monkeypatch.syspath_prepend("gpu_batch")
    from jobs.order import parse_compression

    order = parse_compression(json.dumps(ordered(uploads, *THERE)).encode())
    assert order.names == tuple(NAMES)
    assert (order.limits.seconds, order.limits.memory_bytes) == (60, 1000 << 20)


def test_an_order_of_as_many_candidates_as_there_may_be_is_short_enough_to_be_read(uploads, monkeypatch):
    """With a role's token a URL has some 1,700 characters."""
    monkeypatch.syspath_prepend("gpu_batch")
    from jobs.presigned import _LONGEST_ORDER

    order = ordered(uploads, *THERE)
    each = sum(len(order[kind]) for kind in ("kept", "outputs", "progress")) / len(NAMES)
    assert MOST_RECIPES * each * 1800 < _LONGEST_ORDER


def test_who_follows_the_job_reads_that_it_waits(uploads):
    registry = Registry()
    ordered(uploads, *THERE, registry=registry)
    assert [(attempt, step) for attempt, step, _ in registry.lines] == [(2, "compress")] * 2
    assert "2 candidates" in registry.lines[0][2]


def test_where_no_jobs_run_it_is_said_what_would_do(uploads):
    with pytest.raises(CompressorMissing, match="`cpu_jobs` on, then retry the job"):
        ordered(uploads, *THERE, here=False)


def test_an_attempt_that_runs_no_more_orders_nothing(uploads):
    with pytest.raises(Conflict, match="attempt 1 of job job is not running"):
        ordered(uploads, *THERE, attempt=1)

"""The job that compresses a large model, as a plain process. A small HTTP server stands for S3."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from pathlib import Path

import pytest

from aimass.compression.plan import Wish
from aimass.compression.recipe import digest_of
from aimass.compression.result import read, write
from aimass.compression.steps.files import candidate_files
from aimass.compression.steps.plan import plan_recipes
from aimass.domain.leftovers import remove
from aimass.sandbox.compress import MIXED, AskedFor, Chosen, Tried
from aimass.sandbox.isolation import CONFINED
from aimass.sandbox.limits import Limits
from aimass.usecases.compression_progress import progress_slugs
from local.batch import DEFINITIONS, Batch
from tests.infra.sandboxed_jobs import scratch
from tests.infra.sandboxed_jobs import start as start_job
from tests.infra.test_gpu_batch import ROOT, PresignedServer, s3
from tests.unit.compression.folders import folder_of

__all__ = ["s3", "scratch"]

DYING = "tests.unit.sandbox.compressing"
STEPS = ("compress", "evaluate", "evaluated")


def planned(s3: PresignedServer, root, names=("clean", "pruned30"), **limits):
    """The order of a small classifier, whose workspace is in the server."""
    folder, asked = folder_of(root, wish=Wish("size"))
    write(folder.asked, asked.to_json())
    parts = {path.stem: {"sha256": digest_of(path)} for path in root.glob("*.npz")}
    write(folder.prepared, {"model": {"sha256": digest_of(folder.original)}, "parts": parts})
    plan_recipes(folder, asked)
    assert set(names) <= {recipe["name"] for recipe in (read(folder.planned) or {})["recipes"]}
    for path in root.glob("*.*"):
        s3.objects[path.name] = path.read_bytes()
    known = [*names, *(f"{name}{MIXED}" for name in names)]
    left = [*(file for name in known for file in candidate_files(name)), "chosen.json"]
    return {
        "attempt": "job/1",
        "names": list(names),
        "files": {path.name: s3.url(path.name) for path in root.glob("*.*")},
        "kept": {name: s3.url(name) for name in left},
        "outputs": {name: s3.url(name) for name in left},
        "progress": {slug: s3.url(f"{slug}.progress") for slug in progress_slugs(known)},
        "limits": {"seconds": 240, "memory_mb": 2048, "disk_mb": 256} | limits,
        "failed_url": s3.url("failed.json"),
    }


def start(s3, order, scratch, task="aimass.sandbox.tasks.compression"):
    return start_job(s3, order, scratch, "compress", task)


def compress(s3, order, scratch, task="aimass.sandbox.tasks.compression"):
    """The ended process and what it told, by event."""
    with start(s3, order, scratch, task) as process:
        out, errors = process.communicate(timeout=300)
    assert errors == ""
    assert list(scratch.iterdir()) == []
    return process.returncode, [json.loads(line) for line in out.splitlines()]


def document(s3, name):
    return json.loads(s3.objects[name])


def done(told, event="done"):
    return [(one["step"], one["candidate"]) for one in told if one["event"] == event]


def until(found, seconds=60):
    """Waits for what has to come, as long as a machine under load may take."""
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_job_leaves_candidates_and_what_is_chosen_and_the_next_finds_them(s3, scratch, tmp_path):
    order, before = planned(s3, tmp_path), set(s3.objects)
    status, told = compress(s3, order, scratch)
    assert status == 0, told
    assert set(document(s3, "chosen.json")["verdicts"]) == {"clean", "pruned30"}
    for name in order["names"]:
        made = s3.objects[f"candidates/{name}/model.onnx"]
        assert document(s3, f"candidates/{name}/compressed.json")["sha256"] == hashlib.sha256(made).hexdigest()
        assert document(s3, f"candidates/{name}/evaluated.json")["failed"] is None
    told_slugs = {name.removesuffix(".progress") for name in s3.objects if name.endswith(".progress")}
    each = {f"{number}.{kind}.{name}" for number, name in enumerate(order["names"]) for kind in STEPS}
    assert each | {"1.repair.pruned30", "4.choose"} <= told_slugs
    left = {name: body for name, body in s3.objects.items() if name not in before}
    status, told = compress(s3, order, scratch)
    assert (status, done(told)) == (0, [])
    assert {name: s3.objects[name] for name in left} == left


def test_a_job_that_is_killed_goes_on_where_it_was_and_what_a_child_dies_of_is_its_candidates_reason(
    s3, scratch, tmp_path
):
    order = planned(s3, tmp_path)
    with start(s3, order, scratch) as process:
        until(lambda: "candidates/clean/evaluated.json" in s3.objects)
        process.kill()
        process.communicate()
    for left in scratch.iterdir():
        remove(left)
    del order["progress"]["1.compress.pruned30"]  # as one that was ordered before a deployment
    status, told = compress(s3, order, scratch, DYING)
    assert status == 0, told
    assert done(told, "found") == [("compress", "clean"), ("evaluate", "clean")]
    assert done(told) == [("compress", "pruned30")]
    refused = document(s3, "candidates/pruned30/compressed.json")["refused"]
    assert "SIGSEGV" in refused["reason"]
    assert "SIGSEGV" in document(s3, "chosen.json")["verdicts"]["pruned30"]["reason"]
    assert "candidates/pruned30/model.onnx" not in s3.objects
    assert "1.rejected.pruned30.progress" in s3.objects


@pytest.mark.parametrize(("late", "puts"), [("model.onnx", False), ("candidates/clean/compressed.json", True)])
def test_an_expired_url_ends_the_job_so_that_it_is_tried_again_and_is_not_printed(s3, scratch, tmp_path, late, puts):
    order = planned(s3, tmp_path)
    order["outputs" if puts else "files"][late] = s3.url(late, "late")
    status, told = compress(s3, order, scratch)
    assert (status, told[-1]["event"]) == (1, "failed")
    assert "signature" not in json.dumps(told)
    assert "chosen.json" not in s3.objects


def test_progress_that_cannot_be_told_and_passing_faults_of_s3_end_nothing(s3, scratch, tmp_path):
    order = planned(s3, tmp_path, names=())
    order["progress"] = {"0.choose": "http://127.0.0.1:9/nothing/there"}
    s3.failures = {"asked.json": 1, "chosen.json": 2}
    status, told = compress(s3, order, scratch)
    assert (status, [one["event"] for one in told]) == (0, ["started", "progress lost", "delivered"])
    assert "/nothing/there" not in json.dumps(told)
    assert document(s3, "chosen.json")["chosen"] is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"names": ["../x"]}, "is no candidate's name"),
        ({"names": 3}, "not the JSON"),
        ({"files": {}}, "names no 'model.onnx'"),
        ({"outputs": {"../x": "http://x"}}, "not a path inside"),
        ({"kept": []}, "not the JSON"),
        ({"limits": {"seconds": 1}}, "lacks 'memory_mb'"),
    ],
)
def test_an_order_that_cannot_be_read_is_not_tried_again(s3, scratch, tmp_path, change, reason):
    status, told = compress(s3, planned(s3, tmp_path) | change, scratch)
    assert status == 2
    assert reason in told[-1]["reason"]


def test_what_is_no_order_at_all_is_not_tried_again(s3, scratch):
    assert compress(s3, b"\x00", scratch)[0] == 2


def test_what_ends_the_choice_ends_the_job(s3, scratch, tmp_path):
    status, told = compress(s3, planned(s3, tmp_path, names=(), memory_mb=16), scratch)
    assert (status, [one["event"] for one in told]) == (2, ["started", "failed"])
    left = json.loads(s3.objects["failed.json"])
    assert (left["code"] != "internal_error", left["message"]) == (True, told[-1]["reason"])


def test_a_job_that_is_stopped_takes_its_child_and_its_folder_with_it(s3, scratch, tmp_path):
    with start(s3, planned(s3, tmp_path, names=("pruned50",)), scratch, DYING) as process:
        until(lambda: list(scratch.glob("*/child/sleeping")))
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert children
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    assert list(scratch.iterdir()) == []


def test_a_batch_on_this_machine_runs_it_by_its_definition(s3, tmp_path):
    order, state = planned(s3, tmp_path / "workspace", names=("clean",)), tmp_path / "state"
    s3.objects["order.json"] = json.dumps(order).encode()
    (state / "logs").mkdir(parents=True)
    name = "aimass-dev-jobs-compress"
    definition = {"name": name, "command": ["python", "-m", "jobs.compress"], "environment": {}}
    (state / DEFINITIONS).write_text(json.dumps([definition | {"seconds": 300, "attempts": 1, "again": [1]}]))
    Batch(state, 1).run("job", name, {"ORDER_URL": s3.url("order.json")}, "tenant")
    assert "clean" in document(s3, "chosen.json")["verdicts"]
    told = [json.loads(line) for line in (state / "logs/compress.log").read_text().splitlines()]
    assert told[-1]["event"] == "delivered"


@pytest.fixture
def job(monkeypatch):
    """The job's own modules, with a clock that only moves when a step does."""
    monkeypatch.syspath_prepend(str(ROOT / "gpu_batch"))
    import jobs.compress

    return jobs.compress


class Steps:
    """`sandbox.compress` where each step takes the seconds that it is given, or all that it may."""

    def __init__(self, seconds):
        self.now, self.seconds, self.taken = 0.0, seconds, []

    def monotonic(self):
        return self.now

    def _take(self, step, bench, name):
        took = min(self.seconds.get(step, 0), bench.limits.seconds)
        self.now += took
        self.taken.append((step, name, took))
        return Tried("accuracy")

    def compress(self, bench, name):
        return self._take("compress", bench, name)

    def evaluate(self, bench, name):
        return self._take("evaluate", bench, name)

    def repair(self, bench, name):
        return self._take("repair", bench, name)

    def wanted(self, bench, names):
        return names[:2]

    def asked_for(self, bench, names):
        return AskedFor(tuple(names), (), None)

    def choose(self, bench, names):
        self._take("choose", bench, "")
        return Chosen(None, "", {})


class Nowhere:
    """Presigned URLs behind which nothing is."""

    def fetch(self, what, url, target, most):
        return False

    def touch(self, what, url):
        return None


@pytest.mark.parametrize(
    ("seconds", "taken"),
    [
        ({"compress": 10, "evaluate": 10, "repair": 10, "choose": 10}, ["compress", "evaluate"] * 3 + ["repair"] * 2),
        ({"compress": 10_000, "evaluate": 10}, ["compress", "evaluate"] * 3),
        ({"compress": 100, "evaluate": 100, "repair": 10_000}, ["compress", "evaluate"] * 3 + ["repair"]),
    ],
)
def test_the_jobs_time_is_shared_and_what_chooses_always_has_some(job, monkeypatch, tmp_path, seconds, taken):
    steps = Steps(seconds)
    monkeypatch.setattr(job, "steps", steps)
    monkeypatch.setattr(job, "time", steps)
    limits = Limits(seconds=1000, memory_bytes=1, file_bytes=1 << 20)
    order = job.CompressionOrder("job/1", ("a", "b", "c"), {}, {}, {}, {}, limits)
    job._Compression(order, Nowhere(), tmp_path, CONFINED).run()
    assert [step for step, _, _ in steps.taken] == [*taken, "choose"]
    assert max(took for _, _, took in steps.taken) <= 250
    assert 1000 - sum(took for *_, took in steps.taken[:-1]) >= 150


def test_what_a_child_leaves_that_is_no_plain_file_is_neither_followed_nor_stored(job, tmp_path):
    from jobs.workspace import Workspace

    secret, folder = tmp_path / "secret", tmp_path / "child"
    secret.write_text("ours")
    (folder / "candidates").mkdir(parents=True)
    (folder / "candidates/a").symlink_to(tmp_path)
    (folder / "link").symlink_to(secret)
    os.link(secret, folder / "hard")
    os.mkfifo(folder / "pipe")
    limits = Limits(seconds=1, memory_bytes=1, file_bytes=1)
    order = job.CompressionOrder("job/1", (), {}, {}, {"candidates/a/secret": "x", "link": "x"}, {}, limits)
    Workspace(order, Nowhere(), folder).store(("candidates/a/secret", "link", "hard", "pipe"))
    assert [path.name for path in folder.rglob("*")] == ["candidates"]
    assert secret.read_text() == "ours"

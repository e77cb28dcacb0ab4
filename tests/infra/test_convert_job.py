"""The job that converts, as a plain process. A small HTTP server stands for S3."""

from __future__ import annotations

import hashlib
import io
import json
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.infra.sandboxed_jobs import scratch
from tests.infra.sandboxed_jobs import start as start_job
from tests.infra.test_gpu_batch import PresignedServer, run_job, s3

__all__ = ["s3", "scratch"]


def order_of(s3: PresignedServer, what="holds", **changes):
    return {
        "conversion": {"format": "steps", "environment": "trees", "facts": {}},
        "files": [s3.file("m.steps", what.encode())],
        "beside": [s3.file("aimass.yaml", b"labels: [low, high]")],
        "sample": None,
        "expected": None,
        "limits": {"seconds": 60, "memory_mb": 2048, "disk_mb": 64},
        "outputs": [{"name": name, "url": s3.url(name)} for name in ("model.onnx", "model.onnx.data")],
        "progress": [{"name": phase, "url": s3.url(f"{phase}.progress")} for phase in ("started", "storing")],
        "result_url": s3.url("result.json"),
    } | changes


def start(s3, order, scratch, **isolation):
    """The job, with a converter of the tests' own in place of the package's."""
    return start_job(s3, order, scratch, "convert", "tests.unit.sandbox.converting", **isolation)


def convert(s3, order, scratch, **isolation):
    """The ended process and its result."""
    with start(s3, order, scratch, **isolation) as process:
        ended = subprocess.CompletedProcess([], None, *process.communicate(timeout=120))
    ended.returncode = process.returncode
    result = s3.objects.get("result.json")
    return ended, json.loads(result) if result else None


def test_a_model_arrives_as_onnx_with_its_proof(s3, scratch):
    ended, result = convert(s3, order_of(s3), scratch)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    body = s3.objects["model.onnx"]
    onnx.checker.check_model(onnx.load_from_string(body))
    assert result["converted"] == {
        "main": "model.onnx",
        "files": [{"path": "model.onnx", "sha256": hashlib.sha256(body).hexdigest(), "size": len(body)}],
        "framework": "steps 1.0",
        "labels": ["low", "high"],
        "describes": {},
        "notes": ["made for a test"],
        "beside": [],
    }
    conversion = result["conversion"]
    assert [one["within"] for one in conversion["replay"]["differences"]] == [True]
    assert conversion["replay"]["samples"] == "generated"
    assert conversion["seconds"] > 0
    assert conversion["isolation"]
    assert "model.onnx.data" not in s3.objects
    assert list(scratch.iterdir()) == []


def test_the_job_tells_how_far_it_is_and_goes_on_where_it_cannot(s3, scratch):
    convert(s3, order_of(s3), scratch)
    assert {"started.progress", "storing.progress"} <= s3.objects.keys()
    s3.objects.clear()
    order = order_of(s3)
    order["progress"] = [{"name": "started", "url": "http://127.0.0.1:9/nothing/there"}]
    ended, result = convert(s3, order, scratch)
    assert (ended.returncode, "converted" in result) == (0, True)
    assert "progress lost" in ended.stdout
    assert "/nothing/there" not in ended.stdout + ended.stderr
    del order["progress"]  # as written by what was deployed before
    assert convert(s3, order, scratch)[0].returncode == 0


def test_drift_is_delivered_with_examples_and_not_judged(s3, scratch):
    ended, result = convert(s3, order_of(s3, "drifts"), scratch)
    assert ended.returncode == 0
    assert [one["within"] for one in result["conversion"]["replay"]["differences"]] == [False]
    assert result["conversion"]["examples"]
    assert "model.onnx" in s3.objects


def test_a_sample_and_expected_outputs_travel_with_the_model(s3, scratch):
    def npz(**arrays):
        body = io.BytesIO()
        np.savez(body, **arrays)
        return body.getvalue()

    sample = s3.file("sample.npz", npz(x=np.float32([[0, 1]])))
    order = order_of(s3, sample=sample, expected=s3.file("expected.npz", npz(y=np.array([[0, 1]]))))
    replay = convert(s3, order, scratch)[1]["conversion"]["replay"]
    assert (replay["samples"], replay["expected"]) == ("given", True)
    assert replay["rows"] > 1  # made up beside it


@pytest.mark.parametrize("placed", [("tokenizer.json", "sample.npz"), ("tokenizer.json",), ()])
def test_what_lies_beside_the_model_is_left_out_where_an_older_order_has_no_place_for_it(s3, scratch, placed):
    order = order_of(s3, "has words")
    order["outputs"] += [{"name": name, "url": s3.url(name)} for name in placed]
    ended, result = convert(s3, order, scratch)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert [one["path"] for one in result["converted"]["beside"]] == [*placed]
    assert ("tokenizer.json" in s3.objects) == bool(placed)
    assert ("sample.npz" in s3.objects) == ("sample.npz" in placed)
    assert ('"no place"' in ended.stdout) != ("sample.npz" in placed)


@pytest.mark.parametrize(
    ("what", "changes", "code"),
    [
        ("breaks", {}, "conversion_failed"),
        ("holds", {"conversion": {"format": "steps", "facts": {"program": True}}}, "unsafe_pickle"),
        ("holds", {"outputs": []}, "conversion_failed"),
        ("holds", {"limits": {"seconds": 1e-3, "memory_mb": 2048, "disk_mb": 64}}, "model_timeout"),
    ],
)
def test_a_refusal_is_a_result_that_is_delivered(s3, scratch, what, changes, code):
    ended, result = convert(s3, order_of(s3, what, **changes), scratch)
    assert (ended.returncode, result["error"]["code"]) == (0, code)
    assert "model.onnx" not in s3.objects
    assert list(scratch.iterdir()) == []


def test_other_bytes_than_announced_are_refused(s3, scratch):
    order = order_of(s3)
    order["files"][0]["sha256"] = "ab" * 32
    assert convert(s3, order, scratch)[1]["error"]["code"] == "digest_mismatch"


@pytest.mark.parametrize("late", ["model", "onnx", "result"])
def test_an_expired_url_ends_the_job_so_that_it_is_tried_again_and_is_not_printed(s3, scratch, late):
    order = order_of(s3)
    if late == "model":
        order["files"][0]["url"] = s3.url("m.steps", "late")
    elif late == "onnx":
        order["outputs"][0]["url"] = s3.url("model.onnx", "late")
    else:
        order["result_url"] = s3.url("result.json", "late")
    ended, result = convert(s3, order, scratch)
    assert (ended.returncode, result) == (1, None)
    assert "answered 403" in ended.stdout
    assert "signature" not in ended.stdout + ended.stderr
    assert list(scratch.iterdir()) == []


def test_a_fault_that_is_no_transfers_is_not_tried_again(s3, scratch):
    ended, result = convert(s3, order_of(s3), scratch, layers=("moat",))
    assert (ended.returncode, result) == (2, None)
    assert "no such layer" in ended.stdout


def test_a_passing_fault_of_s3_is_ridden_out(s3, scratch):
    s3.failures = {"m.steps": 1, "model.onnx": 2, "result.json": 1}
    ended, result = convert(s3, order_of(s3), scratch)
    assert ended.returncode == 0
    assert len(s3.objects["model.onnx"]) == result["converted"]["files"][0]["size"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"files": []}, "names no files"),
        ({"conversion": {"format": "steps"}}, "lacks 'facts'"),
        ({"outputs": [1]}, "not the JSON"),
        ({"beside": [{"path": "../x"}]}, "not a path inside"),
    ],
)
def test_an_order_that_cannot_be_read_is_not_tried_again(s3, scratch, change, reason):
    ended, _ = run_job(s3, order_of(s3) | change, scratch, "jobs.convert")
    assert ended.returncode == 2
    assert reason in json.loads(ended.stdout.splitlines()[-1])["reason"]


def test_a_format_that_no_converter_knows_is_refused_by_the_job_itself(s3, scratch):
    ended, result = run_job(s3, order_of(s3), scratch, "jobs.convert")
    assert (ended.returncode, result["error"]["code"]) == (0, "conversion_failed")


def test_a_job_that_is_stopped_takes_its_child_and_its_folder_with_it(s3, scratch):
    with start(s3, order_of(s3, "sleeps"), scratch) as process:
        assert "downloaded" in process.stdout.readline()
        while not (children := Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()):
            time.sleep(0.01)
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    until = time.monotonic() + 20  # a child that was only starting ends itself, once it sees that its parent is gone
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert list(scratch.iterdir()) == []

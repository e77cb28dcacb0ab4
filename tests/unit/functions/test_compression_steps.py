"""The entries of a compression's steps, as the state machine calls them, over the real registry in process."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aimass.adapters.aws.examples import S3ExampleFiles
from aimass.adapters.aws.workspaces import S3WorkspaceFiles
from aimass.bootstrap import stores
from aimass.domain.compression import CompressionCall
from aimass.domain.files import ModelFiles
from aimass.domain.jobs import Job
from aimass.domain.model import TensorSpec, Variant
from aimass.domain.ports import PageRequest
from aimass.protocols.states import StepRefused
from tests.unit.aws.test_registry import LIMITS, MEASURED, running
from tests.unit.compression.folders import CLASSES, FEATURES, classifier
from tests.unit.usecases.compressing import WIDE, rows

ROOT = Path(__file__).parents[3]
CALL = CompressionCall("gpu", "size", {"agreement": 0.98}, ("fp16",), "job-c")


def handler(name, event):
    spec = importlib.util.spec_from_file_location(f"{name}_handler", ROOT / f"functions/{name}/handler.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.handler(event, None)


@pytest.fixture
def event(registry, artifacts, uploads, tmp_path, monkeypatch):
    """A running compression of a version, whose examples have come; the environment is a function's."""
    version, job = running(registry)
    (tmp_path / "m.onnx").write_bytes(classifier(WIDE).SerializeToString())
    files = ModelFiles("m.onnx", (artifacts.put_file("t", "m.onnx", tmp_path / "m.onnx"),))
    done = replace(
        version,
        state="ready",
        labels=(),
        inputs=(TensorSpec("x", "FP32", (-1, FEATURES), "tensor(float)"),),
        outputs=(TensorSpec("scores", "FP32", (-1, CLASSES), "tensor(float)"),),
        variants=(Variant("original", None, False, {}, files, None, MEASURED),),
    )
    registry.register("t", done, job)
    asked = Job("job-c", "compression", "m", 1, "", "running", "2026-01-01T00:00:00.000Z", compression=CALL)
    registry.start_compression("t", asked, LIMITS)
    inputs, labels = rows(600)
    np.savez(tmp_path / "rows.npz", x=inputs, labels=labels)
    uploads._client.upload_file(str(tmp_path / "rows.npz"), "uploads", "data/t/job-c/rows.npz")
    for name, port in {
        "registry": registry,
        "artifacts": artifacts,
        "examples": S3ExampleFiles(uploads._client, "uploads"),
        "workspaces": S3WorkspaceFiles(uploads._client, "uploads"),
    }.items():
        monkeypatch.setattr(stores, name, lambda port=port: port)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "4096")
    monkeypatch.setenv("COMPRESS_LARGE_MB", "128")
    return {"tenant": "t", "model": "m", "version": 1, "job_id": "job-c", "attempt": 1}


def test_events_lead_from_state_to_state(event, registry):
    event["prepared"] = handler("prepare", event)
    assert event["prepared"]["workspace"].startswith("compressions/t/m/1/")
    event["planned"] = handler("plan", event)
    event = json.loads(json.dumps(event))
    assert (event["planned"]["repairs"], event["planned"]["large"]) == ([0, 1], False)
    assert "fp16-weights" in event["planned"]["names"]
    assert registry.get_job("t", "job-c").step == "compress"
    assert {one.state for one in registry.get_job("t", "job-c").candidates.values()} == {"waiting"}
    for name in event["planned"]["names"]:
        item = {key: event[key] for key in event if key != "planned"} | {"name": name}
        assert handler("compress", item) is None
        assert registry.get_job("t", "job-c").candidates[name].state in ("evaluating", "rejected")
        assert handler("evaluate", item) is None
    for place in event["planned"]["repairs"]:
        assert handler("repair", event | {"place": place}) is None
    assert registry.get_job("t", "job-c").step == "repair"
    chosen = handler("choose", event)
    candidates = registry.get_job("t", "job-c").candidates
    assert list(chosen["publish"]) == [name for name in candidates if candidates[name].state in ("chosen", "passed")]
    assert candidates["fp16-weights"].state in ("chosen", "passed")
    assert candidates["fp16-weights"].smaller == pytest.approx(2, abs=0.1)
    steps = {line.step for line in registry.read_log("t", "job-c", PageRequest()).items}
    assert steps == {"prepare", "plan", "compress", "repair", "choose"}


def test_too_few_rows_end_the_job_with_how_many_it_takes(event, uploads, tmp_path):
    np.savez(tmp_path / "rows.npz", x=rows(60)[0])
    uploads._client.upload_file(str(tmp_path / "rows.npz"), "uploads", "data/t/job-c/rows.npz")
    with pytest.raises(StepRefused) as refused:
        handler("prepare", event)
    failure = json.loads(str(refused.value))
    assert (failure["step"], failure["code"]) == ("prepare", "invalid_arguments")
    assert failure["details"]["needed"] > failure["details"]["held_out"] == 30

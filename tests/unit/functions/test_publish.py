"""The last states of a compression, as the state machine calls them."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aimass.bootstrap import compressing, stores
from aimass.domain.jobs import Failure, Job
from aimass.protocols.states import StepRefused
from tests.unit.compression.report.written import candidate, documents
from tests.unit.usecases.publishing import WORKSPACE, Place

ROOT = Path(__file__).parents[3]
EVENT = {"tenant": "t", "model": "small", "version": 1, "job_id": "job", "attempt": 1}


def handler(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"{name}_handler", ROOT / f"functions/{name}/handler.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda event: module.handler(event, None)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(tmp_path)
    monkeypatch.setattr(compressing, "publishing", lambda: made.publishing)
    monkeypatch.setattr(stores, "registry", lambda: made.registry)
    return made


def test_publish_answers_in_plain_values_and_once_more_the_same_without_work(place: Place) -> None:
    place.left(documents({"int8": candidate("int8")}, {"int8": "chosen"}), {})
    event = EVENT | {"prepared": {"workspace": WORKSPACE}}

    told = json.loads(json.dumps(handler("publish")(event)))

    assert told == {"model": "small", "version": 1, "chosen": "int8", "variants": ["int8"]}
    assert place.registry.job.step == "publish"
    (place.folder / "jobs" / "job" / "chosen.json").unlink()
    assert json.loads(json.dumps(handler("publish")(event))) == told


def test_what_the_version_has_no_room_for_fails_the_job_with_what_to_do(place: Place) -> None:
    place.left(documents({"int8": candidate("int8")}, {"int8": "chosen"}), {})
    original = place.registry.version.variant()
    many = [replace(original, name=f"v{at}") for at in range(24)]
    place.registry.version = replace(place.registry.version, variants=(original, *many))
    with pytest.raises(StepRefused) as refused:
        handler("publish")(EVENT | {"prepared": {"workspace": WORKSPACE}})
    told = json.loads(str(refused.value))
    assert (told["step"], told["code"]) == ("publish", "limit_exceeded")


class Failing:
    """The port `ModelRegistry`, as far as a failure is written to it."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.failed: list[Failure] = []
        self.lines: list[tuple[str, str]] = []

    def get_job(self, tenant: str, job_id: str) -> Job:
        return self.job

    def fail(self, tenant: str, job: Job, failure: Failure) -> None:
        self.failed.append(failure)
        self.job = replace(job, state="failed")

    def log(self, tenant: str, job_id: str, attempt: int, step: str, message: str, **more: Any) -> None:
        self.lines.append((step, message))


def test_a_compression_that_failed_says_in_which_step_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job("job", "compression", "small", 1, "", "running", "2026-01-01T00:00:00.000Z", step="compress")
    registry = Failing(job)
    monkeypatch.setattr(stores, "registry", lambda: registry)
    event = EVENT | {"error": {"Error": "Sandbox.Timedout", "Cause": ""}}

    told = handler("fail_compression")(event)

    assert (told["step"], told["code"]) == ("compress", "step_timeout")
    assert [one.code for one in registry.failed] == ["step_timeout"]
    assert registry.lines[0][0] == "compress"
    handler("fail_compression")(event)
    assert len(registry.failed) == 1, "one that has ended stays as it is"

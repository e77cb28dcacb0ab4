"""A compression's steps over stores on folders, with real children."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from aimass.compression.result import write
from aimass.domain.compression import Candidate, CompressionCall
from aimass.domain.errors import Conflict, ModelTimeout
from aimass.sandbox.compress import TASK
from aimass.usecases.compression_steps import Running, Steps, choose, compress, evaluate, plan, repair
from tests.unit.usecases.compressing import ALL, FITTING, House, leave_npz

NAME = "fp16-weights"


def workspace(house: House) -> Path:
    (path,) = {path.parent for path in house.workspaces.root.rglob("prepared.json")}
    return path


def record(house: House, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((workspace(house) / name).read_bytes())
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, tuple[str, ...]]:
    """A compression that went its way."""
    house = House(tmp_path_factory.mktemp("whole"))
    leave_npz(house)
    return house, house.run()


@pytest.fixture
def planned(tmp_path: Path) -> tuple[House, Running]:
    """One that is about to compress its one candidate."""
    house = House(tmp_path)
    leave_npz(house)
    house.ask(replace(FITTING, methods=("fp16",), target="gpu"))
    of = house.prepare()
    assert NAME in plan(house.steps, of, ALL).names
    return house, of


def test_the_steps_lead_from_examples_to_a_choice_with_its_proof(whole: tuple[House, tuple[str, ...]]) -> None:
    house, publish = whole
    registry, chosen = house.registry, record(house, "jobs/job/chosen.json")
    assert registry.steps == ["compress"]
    assert chosen["chosen"] in publish
    assert {name for name, one in registry.candidates.items() if one.state in ("chosen", "passed")} == set(publish)
    assert registry.candidates[chosen["chosen"]].state == "chosen"
    assert registry.candidates[chosen["chosen"]].reason == chosen["reason"]
    assert f"choose: {chosen['chosen']}: {chosen['reason']}" in registry.lines
    tried = [name for name in registry.candidates if not name.endswith("-mixed")]
    told = f"compress: {tried.index(NAME) + 1} of {len(tried)}: {NAME}: 2 times smaller, "
    assert any(line.startswith(told) and "accuracy lost" in line for line in registry.lines)
    assert "plan: not tried: prune_channels: It was not asked for." in registry.lines
    for name in publish:
        assert (workspace(house) / f"candidates/{name}/model.onnx").is_file()


def test_json_comes_to_lie_there_after_the_model_that_it_tells_of(whole: tuple[House, tuple[str, ...]]) -> None:
    stored = whole[0].workspaces.stored
    for name in (name for name in stored if name.endswith("/compressed.json")):
        assert stored[stored.index(name) - 1] == name.replace("compressed.json", "model.onnx")


def test_what_lies_there_is_the_answer_and_no_candidate_is_fetched(whole: tuple[House, tuple[str, ...]]) -> None:
    house, publish = whole
    before, noted = house.files(), dict(house.registry.candidates)
    house.workspaces.stored.clear()
    house.workspaces.fetched.clear()
    house.ask(FITTING, attempt=2)
    assert house.run() == publish
    assert house.files() == before
    assert set(house.workspaces.stored) == {"prepared.json", "asked.json"}
    assert [name for name in house.workspaces.fetched if not name.endswith(".json")] == ["model.onnx"]  # by `plan`
    assert house.registry.candidates == noted


def test_another_budget_over_the_same_examples_only_chooses_again(whole: tuple[House, tuple[str, ...]]) -> None:
    house, _ = whole
    before = house.files()
    house.ask(replace(FITTING, budget={"accuracy_drop": 0.9}))
    house.run()
    changed = {name.rpartition("/")[2] for name, body in house.files().items() if before.get(name) != body}
    house.ask(FITTING)
    house.run()
    assert {"chosen.json", "asked.json"} <= changed <= {"chosen.json", "asked.json", "prepared.json", "planned.json"}


def test_without_examples_nothing_is_chosen_that_may_lose_something(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.ask(CompressionCall(objective="size", methods=("fp16",), target="gpu"))
    assert house.run() == ()
    candidate = house.registry.candidates[NAME]
    assert candidate.state == "rejected"
    assert "nothing proves what it loses: all rows were made up" in str(candidate.reason)
    assert "examples or more, and it may be chosen" in house.registry.lines[-1]
    assert not any(line.startswith("repair") for line in house.registry.lines)


def test_a_model_above_the_size_is_said_to_be_large(planned: tuple[House, Running]) -> None:
    house, of = planned
    assert plan(house.steps, of, 100_000).large
    assert not plan(house.steps, of, 1 << 20).large
    assert any("functions compress up to 100000: a job does it" in line for line in house.registry.lines)


def test_nothing_to_try_is_told_and_ends_in_a_choice(tmp_path: Path) -> None:
    house = House(tmp_path)
    leave_npz(house)
    house.ask(replace(FITTING, methods=("trees",)))
    assert house.run() == ()
    assert house.registry.steps == []
    assert house.registry.lines[-1].startswith("choose: There is nothing that could be tried")


def test_a_child_that_is_killed_is_its_candidates_reason_for_this_attempt(planned: tuple[House, Running]) -> None:
    house, of = planned
    with first_child_killed():
        compress(house.steps, of, NAME)
    candidate = house.registry.candidates[NAME]
    assert (candidate.state, candidate.smaller) == ("rejected", None)
    assert "memory" in str(candidate.reason)
    assert record(house, f"candidates/{NAME}/compressed.json")["refused"]["reason"] in str(candidate.reason)
    before = house.files()
    compress(house.steps, of, NAME)
    evaluate(house.steps, of, NAME)
    assert house.files() == before
    assert choose(house.steps, of, [NAME]).publish == ()
    house.ask(house.registry.job.compression or FITTING, attempt=2)
    again = house.prepare()
    compress(house.steps, again, NAME)
    assert house.registry.candidates[NAME] == Candidate("evaluating", pytest.approx(2, abs=0.1))
    with first_child_killed():
        evaluate(house.steps, again, NAME)
    assert house.registry.candidates[NAME].state == "rejected"
    assert record(house, f"candidates/{NAME}/evaluated.json")["failed"] == house.registry.candidates[NAME].reason


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"another"), lambda path: path.unlink()])
def test_a_model_that_is_not_the_one_that_was_made_is_not_run_and_is_made_anew_by_the_next_job(
    planned: tuple[House, Running], damage: Callable[[Path], object]
) -> None:
    house, of = planned
    compress(house.steps, of, NAME)
    model = workspace(house) / f"candidates/{NAME}/model.onnx"
    damage(model)
    evaluate(house.steps, of, NAME)
    candidate = house.registry.candidates[NAME]
    assert (candidate.state, candidate.smaller) == ("rejected", None)
    assert "its model was lost" in str(candidate.reason)
    assert any("its model was lost" in line for line in house.registry.lines)
    assert not house.workspaces.stored[-1].endswith("evaluated.json")
    assert choose(house.steps, of, [NAME]).publish == ()
    house.ask(house.registry.job.compression or FITTING, attempt=2)
    again = house.prepare()
    compress(house.steps, again, NAME)
    evaluate(house.steps, again, NAME)
    assert house.registry.candidates[NAME].state == "evaluated"
    assert record(house, f"candidates/{NAME}/compressed.json")["sha256"] == sha256(model.read_bytes()).hexdigest()


@pytest.fixture
def repaired(whole: tuple[House, tuple[str, ...]], tmp_path: Path) -> tuple[House, str]:
    """The same compression, and the name of a candidate that was repaired in it, in an attempt of its own.

    How fast so small a model is hangs on what else runs here: all are said to be faster, so that all are wanted.
    """
    house = House(tmp_path)
    shutil.copytree(whole[0].workspaces.root, house.workspaces.root)
    leave_npz(house)
    house.ask(FITTING, attempt=2)
    for path in workspace(house).glob("candidates/*/evaluated.json"):
        write(path, json.loads(path.read_bytes()) | {"faster": 2.0})
    repair_all(house)
    house.workspaces.fetched.clear()
    house.workspaces.stored.clear()
    found = [path.parent.name for path in workspace(house).glob("candidates/*/repaired.json")]
    name = next(name for name in found if record(house, f"candidates/{name}/repaired.json")["recipe"])
    return house, name


def repair_all(house: House) -> None:
    of = house.prepare()
    names = plan(house.steps, of, ALL).names
    for which in (0, 1):
        repair(house.steps, of, names, which)


def died_evaluating(house: House, name: str) -> None:
    """What a repair leaves whose child is killed once the repaired model is made."""
    folder = workspace(house) / "candidates"
    told = {"key": record(house, f"candidates/{name}/repaired.json")["key"], "died": "job/1"}
    write(folder / name / "repaired.json", told | {"recipe": None, "refused": "it died"})
    (folder / f"{name}-mixed/evaluated.json").unlink()


def test_a_repair_that_died_over_its_model_fetches_and_evaluates_that_in_the_next_attempt(
    repaired: tuple[House, str],
) -> None:
    house, name = repaired
    died_evaluating(house, name)
    repair_all(house)
    candidate = house.registry.candidates[f"{name}-mixed"]
    assert (candidate.state, candidate.reason) == ("evaluated", None)
    assert f"candidates/{name}-mixed/model.onnx" in house.workspaces.fetched
    assert [one for one in house.workspaces.stored if "/candidates/" in f"/{one}"] == [
        f"candidates/{name}-mixed/evaluated.json",
        f"candidates/{name}/repaired.json",
    ]


def test_a_repaired_model_that_is_another_is_made_again(repaired: tuple[House, str]) -> None:
    house, name = repaired
    died_evaluating(house, name)
    model = workspace(house) / f"candidates/{name}-mixed/model.onnx"
    made = record(house, f"candidates/{name}-mixed/compressed.json")["sha256"]
    model.write_bytes(b"another")
    repair_all(house)
    assert house.registry.candidates[f"{name}-mixed"].state == "evaluated"
    assert sha256(model.read_bytes()).hexdigest() == made


def test_a_child_that_dies_where_the_job_depends_on_it_is_the_jobs_failure(planned: tuple[House, Running]) -> None:
    house, of = planned
    steps = Steps(house.steps.registry, house.steps.workspaces, replace(house.steps.limits, seconds=0.05))
    with pytest.raises(ModelTimeout):
        plan(steps, of, ALL)
    with pytest.raises(ModelTimeout):
        repair(steps, of, [NAME], 0)
    with pytest.raises(ModelTimeout):
        choose(steps, of, [NAME])


def test_states_of_a_job_that_moved_on_end(planned: tuple[House, Running]) -> None:
    house, of = planned
    house.ask(FITTING, attempt=2)
    with pytest.raises(Conflict):
        compress(house.steps, of, NAME)


@contextmanager
def first_child_killed() -> Iterator[None]:
    """The next child that runs a step is killed as the kernel does when memory is short."""
    done = threading.Event()

    def kill() -> None:
        while not done.is_set():
            for pid in _children():
                os.kill(pid, signal.SIGKILL)
                return
            time.sleep(0.005)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        done.set()
        killer.join()


def _children() -> Iterator[int]:
    """This process's own that run a step."""
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and TASK.encode() in (path / "cmdline").read_bytes().split(b"\0"):
                yield int(path.name)

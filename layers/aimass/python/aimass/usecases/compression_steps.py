"""The steps of a compression between `prepare` and `publish`: a workspace's files, a child, and what it left stored.

What lies in the workspace under its key is the answer: then only JSON is fetched, and no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aimass.compression import wording
from aimass.compression.steps.files import (
    Files,
    choose_files,
    compress_files,
    evaluate_files,
    plan_files,
    repair_files,
    wanted_files,
)
from aimass.domain.compression import Candidate
from aimass.domain.errors import ModelCrashed
from aimass.domain.ports import ModelRegistry, WorkspaceFiles
from aimass.sandbox import compress as child
from aimass.sandbox.compress import MIXED, Bench, Tried
from aimass.sandbox.limits import Limits
from aimass.sandbox.paths import files_within
from aimass.usecases.job_log import JobLog
from aimass.usecases.job_workspace import JobWorkspace, check_running
from aimass.usecases.prepare_compression import FOLDER
from aimass.usecases.working_folder import working_folder

_MOST_JSON = 16 << 20
_PLACES = [0, 1]  # of repairs


@dataclass(frozen=True)
class Steps:
    """What the steps work on."""

    registry: ModelRegistry
    workspaces: WorkspaceFiles
    limits: Limits


@dataclass(frozen=True)
class Running:
    """The attempt of a job that a step is of, and its workspace."""

    tenant: str
    job_id: str
    attempt: int
    workspace: str


@dataclass(frozen=True)
class PlannedCompression:
    """Candidates by name, the places of repairs, and whether the model is too large for functions."""

    names: tuple[str, ...]
    repairs: tuple[int, ...]
    large: bool


@dataclass(frozen=True)
class ChosenCompression:
    """Candidates that become variants."""

    publish: tuple[str, ...]


def plan(at: Steps, of: Running, large_bytes: int) -> PlannedCompression:
    """Says what is tried, and lets it be seen. What comes next is the step `compress`."""
    log = _log(at, of, "plan")
    with working_folder(FOLDER) as folder:
        place = _Place(at, of, folder)
        place.fetch(plan_files().fetched)
        planned = child.plan(place.bench)
        place.store(plan_files())
    for number, (name, stages) in enumerate(planned.recipes.items(), 1):
        log.write(f"{number}: {name}: {', '.join(stages)}")
    for name, reason in planned.left_out.items():
        log.write(f"not tried: {name}: {reason}")
    names, large = tuple(planned.recipes), bool(planned.recipes) and planned.size > large_bytes
    at.registry.plan_candidates(of.tenant, of.job_id, of.attempt, names)
    if large:
        log.write(f"the model has {planned.size} bytes, and functions compress up to {large_bytes}: a job does it")
    if names:
        at.registry.enter_step(of.tenant, of.job_id, of.attempt, "compress")
    return PlannedCompression(names, tuple(_PLACES) if planned.repairable and names else (), large)


def compress(at: Steps, of: Running, name: str) -> None:
    """Makes a candidate, or leaves the reason why there is none."""
    at.registry.note_candidate(of.tenant, of.job_id, of.attempt, name, Candidate("compressing"))
    with working_folder(FOLDER) as folder:
        place = _Place(at, of, folder)
        kept = place.has(f"candidates/{name}/model.onnx")
        tried = place.look("compress", name, compress_files(name), "compressed.json", kept=kept)
        if tried is None:
            place.fetch(compress_files(name).fetched)
            tried = child.compress(place.bench, name, kept=kept)
            place.store(compress_files(name))
    _note(at, of, name, "rejected" if tried.reason else "evaluating", tried)
    if tried.reason:
        _log(at, of, "compress").write(f"{_numbered(name, tried)}: {tried.reason}")


def evaluate(at: Steps, of: Running, name: str) -> None:
    """Compares a candidate with the original, where it was made."""
    with working_folder(FOLDER) as folder:
        place = _Place(at, of, folder)
        made = place.has(f"candidates/{name}/model.onnx")
        tried = place.look("evaluate", name, evaluate_files(name), "evaluated.json" if made else "compressed.json")
        if tried is not None and tried.smaller is None:
            return  # it was not made, and that was said
        if tried is None:
            place.fetch(evaluate_files(name).fetched)
            tried = child.evaluate(place.bench, name)
            place.store(evaluate_files(name))
    _note(at, of, name, "rejected" if tried.reason else "evaluated", tried)
    _log(at, of, "compress").write(f"{_numbered(name, tried)}: {_described(tried)}")


def repair(at: Steps, of: Running, names: Sequence[str], which: int) -> None:
    """Repairs the candidate that is the `which`-th of those worth it, if there are as many."""
    log = _log(at, of, "repair")
    with working_folder(FOLDER) as folder:
        place = _Place(at, of, folder)
        place.fetch(wanted_files(names).fetched)
        wanted = child.wanted(place.bench, names)
        if which >= len(wanted):
            if which == 0:
                log.write("no candidate is worth a repair")
            return
        name = wanted[which]
        log.write(f"{name} may not keep the budget, and would be worth having: what costs most is spared")
        at.registry.note_candidate(of.tenant, of.job_id, of.attempt, f"{name}{MIXED}", Candidate("compressing"))
        kept = place.has(f"candidates/{name}{MIXED}/model.onnx")
        tried = place.look("repair", name, repair_files(name), "repaired.json", kept=kept)
        if tried is None:
            place.fetch(repair_files(name).fetched)
            tried = child.repair(place.bench, name, kept=kept)
            place.store(repair_files(name))
    _note(at, of, f"{name}{MIXED}", "rejected" if tried.reason else "evaluated", tried)
    log.write(f"{name}{MIXED}: {_described(tried)}")


def choose(at: Steps, of: Running, names: Sequence[str]) -> ChosenCompression:
    """Asks held-out rows for the finalists, and tells each candidate's verdict."""
    with working_folder(FOLDER) as folder:
        place = _Place(at, of, folder)
        repaired = [f"{name}{MIXED}" for name in names if place.has(f"candidates/{name}/repaired.json")]
        place.fetch(choose_files([*names, *repaired], ()).told)
        asked = child.asked_for(place.bench, names)
        chosen = asked.chosen
        if chosen is None:
            files = choose_files(asked.names, asked.finalists)
            place.fetch(files.fetched)
            chosen = child.choose(place.bench, asked.names)
            place.store(files)
    for name, tried in chosen.candidates.items():
        _note(at, of, name, tried.verdict or "rejected", tried)
    _log(at, of, "choose").write(f"{chosen.chosen}: {chosen.reason}" if chosen.chosen else chosen.reason)
    publish = [name for name, tried in chosen.candidates.items() if tried.verdict in ("chosen", "passed")]
    return ChosenCompression(tuple(publish))


class _Place:
    """A folder that stands for the workspace."""

    def __init__(self, at: Steps, of: Running, folder: Path) -> None:
        self._files, self._folder = JobWorkspace(at.workspaces, of.workspace, of.job_id), folder
        self._registry, self._of = at.registry, of
        self._there = self._files.names()
        self._fetched: dict[str, tuple[int, int]] = {}
        self.bench = Bench(folder, at.limits, f"{of.job_id}/{of.attempt}")

    def has(self, name: str) -> bool:
        return name in self._there

    def fetch(self, names: Sequence[str]) -> None:
        """What is there of them and not here yet."""
        wanted = [name for name in dict.fromkeys(names) if name in self._there and name not in self._fetched]
        self._files.fetch(wanted, self._folder)
        self._fetched |= {name: _state(self._folder / name) for name in wanted}

    def look(self, step: str, name: str, files: Files, told_by: str, *, kept: bool = False) -> Tried | None:
        """What the step would find; nothing is asked where it left nothing yet."""
        if not self.has(f"candidates/{name}/{told_by}"):
            return None
        self.fetch(files.told)
        return child.look(self.bench, step, name, kept=kept)

    def store(self, files: Files) -> None:
        """What the step left and is new, in that order: the JSON that tells of a model after it. Raises Conflict."""
        changed = [
            name
            for name in files.leaves
            if (self._folder / name).exists() and self._fetched.get(name) != _state(self._folder / name)
        ]
        for name in files_within(self._folder, changed):
            if name.endswith(".json") and (self._folder / name).stat().st_size > _MOST_JSON:
                raise ModelCrashed(f"the step left {name} with more than {_MOST_JSON >> 20} MiB")
        check_running(self._registry, self._of.tenant, self._of.job_id, self._of.attempt)
        self._files.store(changed, self._folder)


def _state(path: Path) -> tuple[int, int]:
    """Results are written beside and moved, so what is written anew has another number."""
    facts = path.lstat()
    return facts.st_ino, facts.st_mtime_ns


def _log(at: Steps, of: Running, step: str) -> JobLog:
    return JobLog(at.registry, of.tenant, of.job_id, of.attempt, step)


def _note(at: Steps, of: Running, name: str, state: str, tried: Tried) -> None:
    candidate = Candidate(state, tried.smaller, tried.faster, tried.lost, tried.reason)  # type: ignore[arg-type]
    at.registry.note_candidate(of.tenant, of.job_id, of.attempt, name, candidate)


def _numbered(name: str, tried: Tried) -> str:
    return f"{tried.at[0]} of {tried.at[1]}: {name}" if tried.at else name


def _described(tried: Tried) -> str:
    told = [] if tried.smaller is None else [wording.gain(tried.smaller, tried.faster)]
    told += [] if tried.lost is None else [wording.loss(tried.metric, tried.lost)]
    return ", ".join([*told, *([tried.reason] if tried.reason else [])])

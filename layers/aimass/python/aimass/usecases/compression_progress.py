"""How far the job of a large model's compression is, told by empty objects that it puts, as conversions do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from aimass.domain.clock import written
from aimass.domain.compression import Candidate
from aimass.domain.jobs import Job
from aimass.domain.names import MODEL_NAME
from aimass.domain.ports import ModelRegistry
from aimass.sandbox.compress import MIXED

FOLDER = "compressions/.progress"  # in the bucket of uploads
ENDING = ".progress"
CHOOSE = "choose"
_State = Literal["compressing", "evaluating", "evaluated", "rejected"]
#: What becomes of a candidate: its line in the log, and its state then; of a repair, that of what it makes.
TOLD: dict[str, tuple[str, _State]] = {
    "compress": ("being made", "compressing"),
    "evaluate": ("made; runs beside the original", "evaluating"),
    "evaluated": ("compared with the original", "evaluated"),
    "rejected": ("could not be made, or does not answer: the report says why", "rejected"),
    "repair": ("over the budget, and would be worth having: what costs most is spared", "compressing"),
}
_STATES = ("waiting", "compressing", "evaluating", "evaluated", "rejected")
_STEPS = ("compress", "repair", "choose")
_CANDIDATE = r"[a-z0-9][a-z0-9._-]{0,99}"
_SLUG = rf"(\d{{1,2}})\.(?:({'|'.join(TOLD)})\.({_CANDIDATE})|({CHOOSE}))"
_KEY = re.compile(rf"{re.escape(FOLDER)}/({MODEL_NAME})/([\w-]{{1,40}})/([1-9]\d{{0,5}})/{_SLUG}{re.escape(ENDING)}")


def progress_slugs(names: Sequence[str]) -> list[str]:
    """What a job may tell of candidates of these names, each with a number: lines of one second keep their order."""
    told = [f"{number}.{kind}.{name}" for number, name in enumerate(names) for kind in TOLD]
    return [*told, f"{len(names)}.{CHOOSE}"]


def progress_key(tenant: str, job: Job, slug: str) -> str:
    """The object that tells it."""
    return f"{FOLDER}/{tenant}/{job.id}/{job.attempt}/{slug}{ENDING}"


def note_compression(registry: ModelRegistry, key: str, moment: str) -> bool:
    """Adds a line to the log of the job whose work put this object at that moment (ISO 8601, with its zone), and notes
    its step and its candidate's state.

    False for any other object. An event that comes again, or after a later one, changes no line, no order, and takes
    nothing back. What keeps it from being kept is raised: whoever called tries again.
    """
    found = _KEY.fullmatch(key)
    if not found:
        return False
    tenant, job_id, attempt, number, kind, name, _ = found.groups()
    line, state = TOLD[kind] if kind else ("asking rows held out for the finalists", None)
    step = kind if kind == "repair" else "compress" if kind else CHOOSE
    at, place = (
        written(datetime.fromisoformat(moment)),
        int(number) * len(TOLD) + (list(TOLD).index(kind) if kind else 0),
    )
    registry.log(tenant, job_id, int(attempt), step, f"{name}: {line}" if name else line, at=at, place=place)
    job = registry.get_job(tenant, job_id)
    if (job.state, job.attempt) == ("running", int(attempt)):
        _moved(registry, tenant, job, step)
        if name and state:
            _noted(registry, tenant, job, f"{name}{MIXED}" if kind == "repair" else name, state)
    return True


def _moved(registry: ModelRegistry, tenant: str, job: Job, step: str) -> None:
    """Onwards only, and not from a later state's step."""
    if job.step in _STEPS[: _STEPS.index(step)]:
        registry.enter_step(tenant, job.id, job.attempt, step)


def _noted(registry: ModelRegistry, tenant: str, job: Job, name: str, state: _State) -> None:
    known = job.candidates.get(name, Candidate("waiting"))
    if known.state in _STATES[: _STATES.index(state)]:
        registry.note_candidate(tenant, job.id, job.attempt, name, replace(known, state=state))

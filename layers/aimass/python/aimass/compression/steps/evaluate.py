"""Evaluate: a candidate beside the original on the choosing rows: what it costs, what it loses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from aimass.compression.choose import CONFIDENCE
from aimass.compression.contract import NotApplicable
from aimass.compression.divergence import unusable
from aimass.compression.evaluate import Judge, comparable, judge, outputs_of
from aimass.compression.machine import machine
from aimass.compression.measure import beside, speed
from aimass.compression.model_file import refused
from aimass.compression.recipe import key, platform
from aimass.compression.result import Record, once, read
from aimass.compression.steps.compress import fixed_batch, lost_model, part_at, rows_of
from aimass.compression.steps.folder import CHOOSING, Asked, Folder, Place

_CALLS_MEASURED = 7


def evaluate(folder: Folder, asked: Asked, name: str) -> Record:
    """Leaves `evaluated.json` of a candidate that was compressed.

    `costs` of both models, `faster` (None for a target that is not at hand), `metrics` by name, and `unusable` or
    `failed`, in words, where it can't be taken. A model that is not the one that was made is not run: `compressed.json`
    says so then, and has it made anew by whoever compresses next.
    """
    place, wanted = folder.candidate(name), evaluate_key(folder, asked, name)
    if (read(place.evaluated) or {}).get("key") != wanted and (lost := lost_model(place)):
        return lost

    def make() -> Record:
        try:
            with refused("it cannot be compared with the original"):
                return {"failed": None, **_compared(folder, asked, place)}
        except NotApplicable as error:
            return {"failed": str(error)}

    return once(place.evaluated, wanted, make)


def rows_judged(folder: Folder, part: str) -> int:
    """How many of a part's rows a candidate is held against: those that fill calls, and whose answers fit in memory.

    Raises NotApplicable for an original that does not answer them.
    """
    return comparable(folder.original, rows_of(part_at(folder.rows(part)), folder.original))


def judge_on(folder: Folder, asked: Asked, part: str) -> Judge:
    """The original's answers to the rows of a part, kept for the next candidate in the same process."""
    return _judge(folder, asked, part, folder.rows_digest(part))


@lru_cache(maxsize=2)
def _judge(folder: Folder, asked: Asked, part: str, digest: str) -> Judge:
    found = part_at(folder.rows(part))
    return judge(folder.original, rows_of(found, folder.original), found.labels, asked.reading)


def evaluate_key(folder: Folder, asked: Asked, name: str) -> str:
    """Under which the evaluation of a candidate that was made is there already."""
    about = asked.to_json()["reading"], asked.budget.metric, asked.ask.target
    made = (read(folder.candidate(name).compressed) or {})["sha256"]
    return key("evaluate", platform(), folder.digest, made, folder.rows_digest(CHOOSING), about)


def _compared(folder: Folder, asked: Asked, place: Place) -> Mapping[str, Any]:
    judged = judge_on(folder, asked, CHOOSING)
    found = outputs_of(place.model, judged.rows)
    original, candidate = beside(folder.original, place.model, _calls(folder, judged))
    return {
        "rows": len(judged.rows),
        "costs": {"original": asdict(original), "candidate": asdict(candidate)},
        "faster": speed(original, candidate) if asked.ask.target == "lambda-x86" else None,
        "unusable": unusable(judged.original, found),
        "metrics": judged.measures(found, asked.budget.metric, CONFIDENCE),
        "machine": machine(),
    }


def _calls(folder: Folder, judged: Judge) -> Sequence[Mapping[str, Any]]:
    """A few calls of one row, or of as many as the model takes."""
    calls = judged.rows.feeds()[:_CALLS_MEASURED]
    if judged.rows.whole or fixed_batch(folder.original):
        return calls
    return [{name: value[:1] for name, value in call.items()} for call in calls]

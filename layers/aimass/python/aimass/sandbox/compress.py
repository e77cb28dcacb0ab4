"""A compression's steps, each in a process of its own that works in a folder with the files of one workspace.

What a child answers is held to what it may be: it ran a stranger's model. What it left in the folder is not read here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimass.compression.names import MIXED as MIXED
from aimass.compression.names import MOST_RECIPES, NAME
from aimass.domain.errors import InvalidModel, ModelCrashed, ModelOutOfMemory, ModelTimeout
from aimass.domain.told import check_texts
from aimass.sandbox.isolation import CONFINED, Isolation
from aimass.sandbox.limits import Limits
from aimass.sandbox.runner import run

TASK = "aimass.sandbox.tasks.compression"
LONGEST_REASON = 400
_VERDICTS = ("chosen", "passed", "not asked", "rejected")
_DEATHS = (InvalidModel, ModelCrashed, ModelOutOfMemory, ModelTimeout)


@dataclass(frozen=True)
class Bench:
    """Where steps run. A candidate whose child died in this `attempt` is not tried again in it, in others it is."""

    folder: Path
    limits: Limits
    attempt: str
    isolation: Isolation = CONFINED

    def ask(self, step: str, **request: Any) -> dict[str, Any]:
        """What the child answers. Raises what `run` does, and ModelCrashed for texts that can't be repeated."""
        document = {"step": step, "attempt": self.attempt, **request}
        answer = run(TASK, document, folder=self.folder, limits=self.limits, isolation=self.isolation)
        with _making_sense():
            check_texts(answer)
        return answer


@dataclass(frozen=True)
class Planned:
    """`recipes` are passes by candidate, in the order in which they are tried; `size` is the original's, in bytes."""

    recipes: Mapping[str, Sequence[str]]
    left_out: Mapping[str, str]
    size: int
    repairable: bool


@dataclass(frozen=True)
class Tried:
    """What is known of a candidate: times `smaller` and `faster`, `lost` in `metric`; the `reason`, if it failed.

    `at` is its number among those that were planned, and how many they are.
    """

    metric: str
    smaller: float | None = None
    faster: float | None = None
    lost: float | None = None
    reason: str | None = None
    verdict: str | None = None
    at: tuple[int, int] | None = None


@dataclass(frozen=True)
class Chosen:
    """`chosen` is a candidate, or None where the original is best left alone."""

    chosen: str | None
    reason: str
    candidates: Mapping[str, Tried]


@dataclass(frozen=True)
class AskedFor:
    """`names` with those that repairs made; `finalists`, whose models `choose` needs; `chosen` if that is there."""

    names: tuple[str, ...]
    finalists: tuple[str, ...]
    chosen: Chosen | None


def plan(bench: Bench) -> Planned:
    """Leaves `planned.json`."""
    answer = bench.ask("plan")
    with _making_sense():
        recipes = {_name(name): [_text(one) for one in stages] for name, stages in answer["recipes"].items()}
        if len(recipes) > MOST_RECIPES:
            raise ValueError("more candidates than are tried")
        left_out = {_text(name): _text(reason) for name, reason in answer["left_out"].items()}
        return Planned(recipes, left_out, int(answer["size"]), answer["repairable"] is True)


def compress(bench: Bench, name: str, *, kept: bool = False) -> Tried:
    """Leaves the candidate's model and `compressed.json`, or the reason there, a child's death among them.

    `kept`: a model that was made already is kept elsewhere, and need not be in the folder.
    """
    return _try(bench, "compress", name, kept=kept)


def evaluate(bench: Bench, name: str) -> Tried:
    """Leaves `evaluated.json` of a candidate, where it was made."""
    return _try(bench, "evaluate", name, kept=True)


def repair(bench: Bench, name: str, *, kept: bool = False) -> Tried:
    """Leaves `repaired.json`, and what the repair made as a candidate of its own, `<name>-mixed`, evaluated."""
    return _try(bench, "repair", name, kept=kept)


def look(bench: Bench, step: str, name: str, *, kept: bool = False) -> Tried | None:
    """What `compress`, `evaluate` or `repair` would find, told by the JSON alone; None where there is work to do."""
    answer = bench.ask(step, name=name, kept=kept, look=True, died=None)
    with _making_sense():
        return None if answer["done"] is None else _tried(answer["done"])


def wanted(bench: Bench, names: Sequence[str]) -> tuple[str, ...]:
    """Which of the candidates, whose JSON is in the folder, are worth a repair."""
    answer = bench.ask("wanted", names=list(names))
    with _making_sense():
        return tuple(_one_of(name, names) for name in answer["wanted"])


def asked_for(bench: Bench, names: Sequence[str]) -> AskedFor:
    """What `choose` needs, told by the JSON of the candidates that were planned and of what repairs made."""
    answer = bench.ask("asked_for", names=list(names))
    with _making_sense():
        found = tuple(_one_of(name, [*names, *(f"{one}{MIXED}" for one in names)]) for name in answer["names"])
        finalists = tuple(_one_of(name, found) for name in answer["finalists"])
        return AskedFor(found, finalists, _chosen(answer["done"], found) if answer["done"] else None)


def choose(bench: Bench, names: Sequence[str]) -> Chosen:
    """Leaves `chosen.json`; `names` are those of `asked_for`, whose finalists' models are in the folder."""
    answer = bench.ask("choose", names=list(names))
    with _making_sense():
        return _chosen(answer["done"], names)


def _try(bench: Bench, step: str, name: str, *, kept: bool) -> Tried:
    request = {"name": name, "kept": kept, "look": False}
    try:
        answer = bench.ask(step, **request, died=None)
    except _DEATHS as error:
        answer = bench.ask(step, **request, died=error.message[:LONGEST_REASON])
    with _making_sense():
        return _tried(answer["done"])


@contextmanager
def _making_sense() -> Iterator[None]:
    try:
        yield
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise ModelCrashed("the model garbled the answer of the process that held it") from error


def _chosen(answer: Mapping[str, Any], names: Sequence[str]) -> Chosen:
    told = {name: _tried(answer["candidates"][name]) for name in names}
    if any(one.verdict is None for one in told.values()):
        raise ValueError("a candidate without a verdict")
    chosen = None if answer["chosen"] is None else _one_of(answer["chosen"], names)
    return Chosen(chosen, _text(answer["reason"]), told)


def _tried(answer: Mapping[str, Any]) -> Tried:
    reason, verdict, at = answer["reason"], answer.get("verdict"), answer["at"]
    return Tried(
        _text(answer["metric"]),
        _number(answer["smaller"]),
        _number(answer["faster"]),
        _number(answer["lost"]),
        None if reason is None else _text(reason),
        None if verdict is None else _one_of(verdict, _VERDICTS),
        None if at is None else (int(at[0]), int(at[1])),
    )


def _number(value: Any) -> float | None:
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) and abs(number) < 1e12 else None


def _name(value: Any) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(f"{value}{MIXED}") or ".." in value:
        raise ValueError("no name of a candidate")
    return value


def _one_of(value: Any, known: Sequence[str]) -> str:
    if value not in known:
        raise ValueError("a name that was not asked about")
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value if len(value) <= LONGEST_REASON else f"{value[: LONGEST_REASON - 1]}…"

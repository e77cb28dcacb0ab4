"""The platform's compression of one model, all its steps in one folder, and what comes out of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimass.compression.budget import parse_budget
from aimass.compression.plan import Wish
from aimass.compression.result import loss_from_json
from aimass.compression.statistics import Loss
from aimass.compression.steps.folder import Folder
from aimass.compression.steps.run import run
from aimass.domain.errors import InvalidArguments
from benchmarks.compression.rows import prepare

_PUBLISHED = ("chosen", "passed")


@dataclass(frozen=True)
class Variant:
    """One that would be published. `held_out` is what it loses of the budget's metric on rows that no step had seen."""

    name: str
    verdict: str
    path: Path
    held_out: Loss


@dataclass(frozen=True)
class Job:
    """What was asked and answered. `reason` is the platform's own; `seconds` are those of the whole job."""

    budget: Mapping[str, float]
    seconds: float
    reason: str
    variants: tuple[Variant, ...]
    rejected: Mapping[str, str]


def compress(model: Path, data: Path, budget: Mapping[str, float], root: Path) -> Job:
    """Another budget in the same folder goes on from what lies there."""
    root.mkdir(parents=True, exist_ok=True)
    folder = Folder(root)
    shutil.copyfile(model, folder.original)
    start = time.perf_counter()

    def told(text: str) -> None:
        print(f"{time.perf_counter() - start:6.0f} s   {text}", flush=True)

    try:
        chosen = run(folder, prepare(folder, data, budget, Wish(), "lambda-x86"), told)
    except InvalidArguments as error:
        return Job(budget, time.perf_counter() - start, str(error), (), {})
    seconds = time.perf_counter() - start
    rejected = {name: one["reason"] for name, one in chosen["verdicts"].items() if one["verdict"] not in _PUBLISHED}
    return Job(budget, seconds, str(chosen["reason"]), published(folder, chosen, budget), rejected)


def published(folder: Folder, chosen: Mapping[str, Any], budget: Mapping[str, float]) -> tuple[Variant, ...]:
    """Those that the budget is proven for, with what they lose of its metric."""
    metric = parse_budget(budget).metric
    return tuple(
        Variant(
            name,
            one["verdict"],
            folder.candidate(name).model,
            loss_from_json(chosen["held_out"][name]["metrics"][metric]["loss"]),
        )
        for name, one in chosen["verdicts"].items()
        if one["verdict"] in _PUBLISHED
    )

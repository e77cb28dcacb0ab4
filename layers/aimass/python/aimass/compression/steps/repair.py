"""Repair: candidates that would be chosen, were it not for the budget, made again with what costs them most spared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from aimass.compression.choose import CONFIDENCE, SPARE, expected, worth_repair
from aimass.compression.contract import NotApplicable
from aimass.compression.recipe import Recipe, key
from aimass.compression.registry import PASSES, Passes
from aimass.compression.repair import repair
from aimass.compression.result import Record, once, read
from aimass.compression.sensitivity import Progress
from aimass.compression.steps.candidates import candidates
from aimass.compression.steps.compress import bench_digest, bench_of, compress
from aimass.compression.steps.evaluate import evaluate, judge_on
from aimass.compression.steps.folder import CHOOSING, Asked, Folder


def wanted(folder: Folder, asked: Asked, names: Sequence[str]) -> list[str]:
    """Which of the candidates that were evaluated are worth a repair; none where all rows are made up."""
    if asked.ask.made_up:
        return []
    return worth_repair(candidates(folder, asked, names), asked.limit, asked.wish.objective)


def mixed(folder: Folder, asked: Asked, names: Sequence[str]) -> list[str]:
    """What came of them: candidates of their own. What an earlier compression repaired for another wish is none."""
    found = []
    for name in wanted(folder, asked, names):
        done = read(folder.candidate(name).repaired)
        if done and done["key"] == repair_key(folder, asked, name) and done["recipe"]:
            found.append(str(done["recipe"]["name"]))
    return found


def repair_key(folder: Folder, asked: Asked, name: str) -> str:
    """Under which the repair of a candidate that was made is there already."""
    recipe = _recipe(folder, name).to_json()
    about = asked.budget.document, asked.limit.rows, asked.limit.finalists, asked.to_json()["reading"]
    return key("repair", bench_digest(folder), recipe, folder.rows_digest(CHOOSING), about)


def repair_candidate(
    folder: Folder,
    asked: Asked,
    name: str,
    passes: Passes = PASSES,
    progress: Progress | None = None,
    *,
    kept: bool = False,
) -> Record:
    """Leaves `repaired.json` by the candidate: the new `recipe`, which is compressed and evaluated, or `refused`.

    `kept` is as `compress` has it, of the model that the repair made.
    """
    place = folder.candidate(name)
    limit = asked.limit

    def lost(path: Path, spare: float = 0.0) -> float:
        try:
            found = judge_on(folder, asked, CHOOSING).loss(limit.metric, path, CONFIDENCE)
        except NotApplicable:
            return math.inf
        return expected(found, limit.rows, limit.finalists, spare)

    def aim(path: Path) -> float:
        return lost(path, SPARE)

    def make() -> Record:
        bench, recipe = bench_of(folder, passes), _recipe(folder, name)
        try:
            done = repair(bench, recipe, lost, limit.most, None, progress, aim)
        except NotApplicable as error:
            return {"recipe": None, "refused": str(error)}
        return {
            "recipe": done.recipe.to_json(),
            "refused": None,
            "pass": done.stage,
            "spared": list(done.spared),
            "lost": {"before": done.lost[0], "after": done.lost[1], "allowed": limit.most},
            "applications": done.applications,
        }

    found = once(place.repaired, repair_key(folder, asked, name), make)
    if found["recipe"] is not None:
        made = Recipe.from_json(found["recipe"])
        if compress(folder, made, passes, kept=kept)["refused"] is None:
            evaluate(folder, asked, made.name)
    return found


def _recipe(folder: Folder, name: str) -> Recipe:
    return Recipe.from_json((read(folder.candidate(name).compressed) or {})["recipe"])

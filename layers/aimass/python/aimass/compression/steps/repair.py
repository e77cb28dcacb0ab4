"""Repair: candidates that would be chosen, were it not for the budget, made again with what costs them most spared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from aimass.compression.choose import CONFIDENCE, expected, worth_repair
from aimass.compression.contract import NotApplicable
from aimass.compression.model_file import file_bytes
from aimass.compression.recipe import Recipe, digest_of, key
from aimass.compression.registry import PASSES, Passes
from aimass.compression.repair import affordable, repair
from aimass.compression.result import Record, once, read
from aimass.compression.sensitivity import Progress
from aimass.compression.steps.candidates import candidates
from aimass.compression.steps.compress import bench_of, compress
from aimass.compression.steps.evaluate import evaluate, judge_on
from aimass.compression.steps.folder import CHOOSING, Asked, Folder


def wanted(folder: Folder, asked: Asked, names: Sequence[str]) -> list[str]:
    """Which of the candidates that were evaluated are worth a repair."""
    return worth_repair(candidates(folder, asked, names), asked.limit, asked.wish.objective)


def repair_candidate(
    folder: Folder, asked: Asked, name: str, passes: Passes = PASSES, progress: Progress | None = None
) -> Record:
    """Leaves `repaired.json` by the candidate: the new `recipe`, which is compressed and evaluated, or `refused`."""
    place = folder.candidate(name)
    recipe = Recipe.from_json((read(place.compressed) or {})["recipe"])
    bench, limit = bench_of(folder, passes), asked.limit
    judged = judge_on(folder, asked, CHOOSING)

    def lost(path: Path) -> float:
        try:
            found = judged.loss(limit.metric, path, CONFIDENCE)
        except NotApplicable:
            return math.inf
        return expected(found, limit.rows, limit.finalists)

    def make() -> Record:
        try:
            done = repair(bench, recipe, lost, limit.most, affordable(file_bytes(folder.original)), progress)
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

    about = asked.budget.document, limit.rows, limit.finalists, asked.to_json()["reading"]
    found = once(
        place.repaired, key("repair", bench.digest, recipe.to_json(), digest_of(folder.rows(CHOOSING)), about), make
    )
    if found["recipe"] is not None:
        made = Recipe.from_json(found["recipe"])
        if compress(folder, made, passes)["refused"] is None:
            evaluate(folder, asked, made.name)
    return found

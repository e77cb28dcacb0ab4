"""All steps in one folder: what the state machine does, in one process. Goes on where it was interrupted."""

from __future__ import annotations

from collections.abc import Callable

from aimass.compression.recipe import Recipe
from aimass.compression.registry import PASSES, Passes
from aimass.compression.result import Record, write
from aimass.compression.steps.choose import choose
from aimass.compression.steps.compress import compress
from aimass.compression.steps.evaluate import evaluate
from aimass.compression.steps.folder import Asked, Folder
from aimass.compression.steps.plan import plan_recipes, recipes
from aimass.compression.steps.repair import repair_candidate, wanted

Told = Callable[[str], None]


def run(folder: Folder, asked: Asked, told: Told = lambda text: None, passes: Passes = PASSES) -> Record:
    """What `choose` leaves. The folder holds the model and the parts of the rows."""
    write(folder.asked, asked.to_json())
    planned = recipes(plan_recipes(folder, asked, passes))
    names = []
    for number, recipe in enumerate(planned, 1):
        told(f"[{number}/{len(planned)}] {recipe.name}")
        _candidate(folder, asked, recipe, passes)
        names.append(recipe.name)
    for name in wanted(folder, asked, names):
        told(f"[repair] {name}")
        done = repair_candidate(folder, asked, name, passes)
        if done["recipe"] is not None:
            names.append(str(done["recipe"]["name"]))
    told(f"[choose] of {len(names)}")
    return choose(folder, asked, names, passes)


def _candidate(folder: Folder, asked: Asked, recipe: Recipe, passes: Passes) -> None:
    if compress(folder, recipe, passes)["refused"] is None:
        evaluate(folder, asked, recipe.name)

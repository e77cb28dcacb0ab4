"""Plan: what is tried, and what is not and why."""

from __future__ import annotations

from dataclasses import asdict

from aimass.compression.pack import packed_size
from aimass.compression.plan import plan
from aimass.compression.profile import profile_of
from aimass.compression.recipe import Recipe, key, platform
from aimass.compression.registry import PASSES, Passes
from aimass.compression.result import Record, once
from aimass.compression.steps.folder import Asked, Folder


def plan_recipes(folder: Folder, asked: Asked, passes: Passes = PASSES) -> Record:
    """Leaves `planned.json`: the original's size and profile, the recipes in order, what is left out.

    Raises ValueError for unknown methods.
    """

    def make() -> Record:
        profile = profile_of(folder.original)
        made = plan(profile, asked.ask, asked.wish, passes)
        return {
            "original": {
                "size": profile.size,
                "packed": packed_size(folder.original, folder.scratch("packing")),
                "sha256": folder.digest,
            },
            "profile": asdict(profile),
            "recipes": [recipe.to_json() for recipe in made.recipes],
            "left_out": dict(made.left_out),
        }

    return once(folder.planned, key("plan", platform(), folder.digest, asdict(asked.ask), asdict(asked.wish)), make)


def recipes(planned: Record) -> list[Recipe]:
    return [Recipe.from_json(written) for written in planned["recipes"]]

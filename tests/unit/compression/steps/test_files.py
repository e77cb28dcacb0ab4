"""Each step works in a folder of its own that holds what `files` says, and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from aimass.compression.contract import Pass
from aimass.compression.plan import Wish
from aimass.compression.recipe import Recipe
from aimass.compression.result import read, write
from aimass.compression.steps.choose import asked_for, choose
from aimass.compression.steps.compress import compress
from aimass.compression.steps.evaluate import evaluate
from aimass.compression.steps.files import (
    Files,
    choose_files,
    compress_files,
    evaluate_files,
    plan_files,
    repair_files,
)
from aimass.compression.steps.folder import Folder
from aimass.compression.steps.plan import plan_recipes, recipes
from aimass.compression.steps.repair import repair_candidate, wanted
from tests.unit.compression.folders import changing, folder_of, halve, keep, spoil

KNOWN: Mapping[str, Pass] = {
    one.name: one
    for one in (changing(keep, "tidy", stage="clean", methods=()), changing(halve, "half"), changing(spoil, "bad"))
}


class Elsewhere:
    """Runs steps as a Lambda does: in a new folder, with the files fetched and what is left stored."""

    def __init__(self, store: Path, scratch: Path) -> None:
        self._store, self._scratch, self._count = store, scratch, 0

    def __call__(self, files: Files, step: Callable[[Folder], object]) -> None:
        self._count += 1
        here = self._scratch / str(self._count)
        self._copy(files.fetched, self._store, here)
        step(Folder(here))
        self._copy(files.leaves, here, self._store)

    @staticmethod
    def _copy(names: tuple[str, ...], source: Path, target: Path) -> None:
        target.mkdir(exist_ok=True)
        for name in names:
            if (source / name).exists():
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / name, target / name)


def whole(store: Path, scratch: Path) -> Path:
    folder, asked = folder_of(store, wish=Wish("size"))
    write(folder.asked, asked.to_json())
    scratch.mkdir()
    run = Elsewhere(store, scratch)
    run(plan_files(), lambda here: plan_recipes(here, asked, KNOWN))
    planned: list[Recipe] = recipes(read(folder.planned) or {})
    names = [recipe.name for recipe in planned]
    for recipe in planned:
        run(compress_files(recipe.name), lambda here, one=recipe: compress(here, one, KNOWN, kept=True))
        run(evaluate_files(recipe.name), lambda here, one=recipe: evaluate(here, asked, one.name))
    for name in wanted(folder, asked, names):
        run(repair_files(name), lambda here, one=name: repair_candidate(here, asked, one, KNOWN))
        names.append(f"{name}-mixed")
    run(choose_files(names, asked_for(folder, asked, names)), lambda here: choose(here, asked, names))
    return store


def test_steps_need_and_leave_what_is_said(tmp_path: Path) -> None:
    folder = Folder(whole(tmp_path / "store", tmp_path / "scratch"))

    chosen = read(folder.chosen) or {}
    assert chosen["chosen"] == "half"
    assert {"tidy", "half", "bad"} <= set(chosen["verdicts"])
    assert folder.candidate("half").model.exists()


def test_what_is_stored_is_not_made_again(tmp_path: Path) -> None:
    store = whole(tmp_path / "store", tmp_path / "first")
    before = {path: path.read_bytes() for path in store.rglob("*.json")}

    whole(store, tmp_path / "second")

    assert {path: path.read_bytes() for path in store.rglob("*.json")} == before

"""A recipe applied, stage by stage. What two recipes begin with alike is made once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimass.compression.contract import Applied, NotApplicable, Pass, Rows, Unit, Work
from aimass.compression.model_file import file_bytes, refused
from aimass.compression.profile import profile_of
from aimass.compression.recipe import Recipe, Stage, key
from aimass.compression.result import read, write

_EXTERNAL = ".data"
_SMALL = 1 << 20


@dataclass(frozen=True)
class Made:
    """What a stage left."""

    path: Path
    name: str  # of the pass
    size: int
    applied: Applied

    def to_json(self) -> dict[str, Any]:
        return {"pass": self.name, "size": self.size, **applied_to_json(self.applied)}


class Refused(NotApplicable):
    """A pass of the recipe can't be applied."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name


@dataclass(frozen=True)
class Bench:
    """One original and its calibration rows, which recipes are applied to. `digest` is of both.

    `folder` holds what stages made, under the digest of what they were made of.
    """

    original: Path
    rows: Rows
    digest: str
    passes: Mapping[str, Pass]
    folder: Path

    def make(self, recipe: Recipe) -> list[Made]:
        """The model after each stage. Raises Refused."""
        made: list[Made] = []
        for at in range(len(recipe.stages)):
            made.append(self._stage(recipe, at, made[-1].path if made else self.original))
        return made

    def apply(self, stage: Stage, work: Work) -> Applied:
        """Raises NotApplicable. What the pass kept for itself goes, but for small files, which may save work later."""
        try:
            return self.passes[stage.name].apply(work, stage.options)
        finally:
            swept(work.folder)

    def work(self, source: Path, target: Path, scratch: str) -> Work:
        folder = self.folder / scratch
        folder.mkdir(parents=True, exist_ok=True)
        return Work(source, target, self.original, folder, self.rows, profile_of(source))

    def scratch(self, recipe: Recipe, at: int) -> str:
        """One for each pass and source: what a pass found out about its source serves all of its options."""
        return f"{key(self.digest, recipe.upto(at).digest)[:24]}.{recipe.stages[at].name}"

    def _stage(self, recipe: Recipe, at: int, source: Path) -> Made:
        place, stage = self.folder / key(self.digest, recipe.upto(at + 1).digest)[:24], recipe.stages[at]
        target, record = place / "model.onnx", place / "made.json"
        known = read(record)
        if known is None:
            place.mkdir(parents=True, exist_ok=True)
            known = self._applied(stage, source, target, self.scratch(recipe, at))
            write(record, known)
        if known.get("refused"):
            raise Refused(stage.name, known["refused"])
        return Made(target, stage.name, int(known["size"]), applied_from_json(known))

    def _applied(self, stage: Stage, source: Path, target: Path, scratch: str) -> dict[str, Any]:
        """A pass that fails on an odd graph fails one candidate, not the job."""
        try:
            with refused(f"{stage.name} failed"):
                applied = self.apply(stage, self.work(source, target, scratch))
                return {"size": file_bytes(target), **applied_to_json(applied)}
        except NotApplicable as error:
            return {"refused": str(error)}


def swept(folder: Path) -> None:
    """Models that a pass left behind; each is as large as the original."""
    for path in folder.iterdir():
        if path.is_file() and path.stat().st_size > _SMALL:
            path.unlink()


def moved(source: Path, target: Path) -> None:
    """A copy of a model, with its external data, that is there as a whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for one, other in ((_data(source), _data(target)), (source, target)):
        if one.exists():
            part = other.with_name(f"{other.name}.part")
            shutil.copyfile(one, part)
            os.replace(part, other)


def applied_to_json(applied: Applied) -> dict[str, Any]:
    units = [[unit.name, unit.weight] for unit in applied.units]
    return {"units": units, "notes": list(applied.notes)}


def applied_from_json(written: Mapping[str, Any]) -> Applied:
    units: Sequence[Unit] = [Unit(str(name), float(weight)) for name, weight in written["units"]]
    return Applied(units, list(written["notes"]))


def _data(path: Path) -> Path:
    return path.with_name(path.name + _EXTERNAL)

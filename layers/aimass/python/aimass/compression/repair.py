"""A candidate over the budget, brought within it by sparing the fewest of the units that cost it most.

Which stage is to blame is asked first: the last whose own source still keeps the limit. Its units are ranked by how far
the answers go off, which tells apart what a few hundred rows' labels cannot, and spared by what the budget is about.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from aimass.compression.apply import Bench, Made, swept
from aimass.compression.contract import NotApplicable
from aimass.compression.contract import Stage as Kind
from aimass.compression.model_file import answers_of, divergence, file_bytes, refused
from aimass.compression.recipe import Recipe, Stage
from aimass.compression.sensitivity import Progress, Ranked, Restored, Search

MOST_APPLICATIONS = 24
# An application to a larger model takes a minute and more, and a function has fifteen. Layers are solved the slowest.
_LARGE: dict[Kind, int] = {"prune": 40_000_000}
_LARGER, _FEW = 160_000_000, 12
_RANKING_ROWS = 64

#: What a candidate loses, as it is compared with the limit.
Lost = Callable[[Path], float]


@dataclass(frozen=True)
class Repaired:
    """`recipe` spares what it must. `lost` is by the same measure as the limit, before and after."""

    recipe: Recipe
    stage: str
    spared: tuple[str, ...]
    lost: tuple[float, float]
    applications: int


def repair(
    bench: Bench,
    recipe: Recipe,
    lost: Lost,
    limit: float,
    most: int | None = None,
    progress: Progress | None = None,
    aim: Lost | None = None,
) -> Repaired:
    """Raises NotApplicable where sparing does not bring it within the limit, with the reason.

    `aim` is a stricter measure than `lost`, which is tried for first. `most`: applications; left out, as many as the
    model's size affords.
    """
    made = bench.make(recipe)
    at = (_blamed(made, aim, limit) if aim else 0) or _blamed(made, lost, limit)
    stage, units = recipe.stages[at], list(made[at].applied.units)
    if len(units) < 2:
        raise NotApplicable(f"{stage.name} has no parts that could be spared one by one")
    with refused("the repair failed"), TemporaryDirectory(dir=bench.folder) as folder:
        source = made[at - 1].path if at else bench.original
        work = bench.work(source, Path(folder) / "model.onnx", bench.scratch(recipe, at))
        one = bench.passes[stage.name]
        most = affordable(file_bytes(bench.original), one.stage) if most is None else most
        search = Search(one, work, stage.options, most, progress)
        ranked = search.rank(units, _off(bench, lost))
        rest = _Rest(bench, recipe.stages[at + 1 :], Path(folder), lost)
        restored = _restored(search, ranked, rest, limit, aim)
        swept(work.folder)
    if restored.measured > limit:
        raise NotApplicable(f"with {len(restored.spared)} of {len(units)} parts spared it still is over the limit")
    before = lost(made[-1].path)
    return Repaired(
        recipe.spared(at, restored.spared), stage.name, restored.spared, (before, restored.measured), search.done
    )


def affordable(size: int, kind: Kind = "prune") -> int:
    """How many applications a model of so many bytes gets: told by its size, so that the same gives the same."""
    return _FEW if size > _LARGE.get(kind, _LARGER) else MOST_APPLICATIONS


def _restored(search: Search, ranked: Sequence[Ranked], rest: _Rest, limit: float, aim: Lost | None) -> Restored:
    """By the stricter measure, or, where that asks too much, by the plain one with the applications that are left."""
    if aim is not None:
        try:
            found = search.restore(ranked, replace(rest, measure=aim).lost, limit)
            if found.measured <= limit:
                return replace(found, measured=rest.lost(search.target))
        except NotApplicable:
            pass
    return search.restore(ranked, rest.lost, limit)


def _blamed(made: Sequence[Made], lost: Lost, limit: float) -> int:
    """The number of the last stage that begins with a model within the limit."""
    for at in range(len(made) - 1, 0, -1):
        if lost(made[at - 1].path) <= limit:
            return at
    return 0


def _off(bench: Bench, lost: Lost) -> Lost:
    """How far answers are from the original's, on a few calibration rows, or what is lost, where there are none."""
    if not len(bench.rows):
        return lost
    expected = answers_of(bench.original, bench.rows, _RANKING_ROWS)

    def off(path: Path) -> float:
        return divergence(expected, answers_of(path, bench.rows, _RANKING_ROWS))

    return off


@dataclass(frozen=True)
class _Rest:
    """The stages that follow the one that is repaired."""

    bench: Bench
    stages: Sequence[Stage]
    folder: Path
    measure: Lost

    def lost(self, path: Path) -> float:
        for number, stage in enumerate(self.stages):
            target = self.folder / f"after{number}.onnx"
            try:
                self.bench.apply(stage, self.bench.work(path, target, f"{self.folder.name}/{number}"))
            except NotApplicable:
                return math.inf
            path = target
        return self.measure(path)

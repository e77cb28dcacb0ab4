"""Compress: one candidate made, or the reason why there is none."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from aimass.compression.apply import Bench, Refused, moved
from aimass.compression.contract import Rows
from aimass.compression.model_file import open_session, same_interface
from aimass.compression.pack import packed_size
from aimass.compression.part_file import Part, read_part
from aimass.compression.recipe import Recipe, digest_of, key, platform
from aimass.compression.registry import PASSES, Passes
from aimass.compression.result import Record, of_lost_model, once, read, write
from aimass.compression.steps.folder import CALIBRATION, Folder, Place

_BATCH = 32


def compress(folder: Folder, recipe: Recipe, passes: Passes = PASSES, *, kept: bool = False) -> Record:
    """Leaves the candidate's model and `compressed.json`: what each stage did, sizes in bytes, or `refused`.

    `kept`: a model whose JSON is here is kept elsewhere, and need not be here too. One that is here, and is not the one
    of which that tells, is made again.
    """
    place = folder.candidate(recipe.name)

    def make() -> Record:
        bench = bench_of(folder, passes)
        place.model.unlink(missing_ok=True)
        try:
            made = bench.make(recipe)
        except Refused as error:
            return {"recipe": recipe.to_json(), "refused": {"pass": error.name, "reason": str(error)}}
        last = made[-1].path
        if not same_interface(open_session(folder.original), open_session(last)):
            return {"recipe": recipe.to_json(), "refused": {"pass": made[-1].name, "reason": "its interface changed"}}
        moved(last, place.model)
        return {
            "recipe": recipe.to_json(),
            "refused": None,
            "stages": [stage.to_json() for stage in made],
            "size": made[-1].size,
            "packed": packed_size(last, folder.scratch("packing")),
            "sha256": digest_of(last),
        }

    wanted, found = compress_key(folder, recipe), read(place.compressed)
    there = is_whole(place) if place.model.exists() else kept
    if found and found["key"] == wanted and found["refused"] is None and not there:
        place.compressed.unlink()
    return once(place.compressed, wanted, make)


def is_whole(place: Place) -> bool:
    """Whether the candidate's model is the one of which its JSON tells."""
    return place.model.exists() and digest_of(place.model) == (read(place.compressed) or {}).get("sha256")


def lost_model(place: Place) -> Record | None:
    """What now tells of a candidate whose model is not the one that was made; None where it is."""
    if is_whole(place):
        return None
    lost = of_lost_model(read(place.compressed))
    write(place.compressed, lost)
    return lost


def compress_key(folder: Folder, recipe: Recipe) -> str:
    """Under which the candidate is there already."""
    return key("compress", bench_digest(folder), recipe.to_json())


def bench_digest(folder: Folder) -> str:
    """Of the original and its calibration rows."""
    return key(platform(), folder.digest, folder.rows_digest(CALIBRATION))


def bench_of(folder: Folder, passes: Passes = PASSES) -> Bench:
    """The original with its calibration rows, which there may be none of."""
    path = folder.rows(CALIBRATION)
    rows = rows_of(part_at(path), folder.original) if path.exists() else Rows()
    return Bench(folder.original, rows, bench_digest(folder), passes, folder.scratch("stages"))


def rows_of(part: Part, model: Path) -> Rows:
    """As calls that the model takes: as many rows at once as its first dimension says, where that is fixed.

    Rows that do not fill a call of a fixed size are left.
    """
    fixed = fixed_batch(model)
    rows = part.rows(fixed or _BATCH)
    count = len(part) // fixed * fixed if fixed and not part.whole else len(part)
    return replace(rows, inputs={name: array[:count] for name, array in rows.inputs.items()})


def fixed_batch(model: Path) -> int | None:
    """The first dimension of the model's inputs, where it is a number."""
    shapes = [value.shape for value in open_session(model).get_inputs()]
    return min((shape[0] for shape in shapes if shape and isinstance(shape[0], int) and shape[0] > 0), default=None)


@lru_cache(maxsize=3)
def _part(path: Path, changed: int) -> Part:
    return read_part(path)


def part_at(path: Path) -> Part:
    """Read once for all candidates that a process sees."""
    return _part(path, path.stat().st_mtime_ns)

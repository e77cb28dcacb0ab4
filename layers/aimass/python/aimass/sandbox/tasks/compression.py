"""The steps of a compression in the folder that the child works in. Rows are read by `compression_rows`.

With `look` a step only says whether there is anything to do, by the JSON that lies there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from aimass.compression.recipe import MIXED, Recipe
from aimass.compression.result import Record, read, write
from aimass.compression.steps.candidates import figures
from aimass.compression.steps.choose import asked_for, choose, choose_key
from aimass.compression.steps.compress import compress, compress_key
from aimass.compression.steps.evaluate import evaluate, evaluate_key
from aimass.compression.steps.folder import Asked, Folder
from aimass.compression.steps.plan import plan_recipes, recipes
from aimass.compression.steps.repair import mixed, repair_candidate, repair_key, wanted
from aimass.domain.errors import InvalidArguments

Request = dict[str, Any]
Answer = dict[str, Any]


def run(request: Request) -> Iterator[Answer]:
    """`request["step"]` in the working folder, which holds what `compression.steps.files` says."""
    folder = Folder(Path.cwd())
    yield _STEPS[request["step"]](folder, Asked.from_json(read(folder.asked) or {}), request)


def _plan(folder: Folder, asked: Asked, request: Request) -> Answer:
    try:
        planned = plan_recipes(folder, asked)
    except ValueError as error:
        raise InvalidArguments.of_fields({"methods": str(error).removeprefix("methods: ")}) from None
    made = {one.name: [stage.name for stage in one.stages] for one in recipes(planned)}
    return {
        "recipes": made,
        "left_out": planned["left_out"],
        "size": planned["original"]["size"],
        "repairable": bool(made) and not asked.ask.made_up,
    }


def _compress(folder: Folder, asked: Asked, request: Request) -> Answer:
    recipe = _recipe(folder, request["name"])
    place, key = folder.candidate(recipe.name), compress_key(folder, recipe)
    if request["look"]:
        told = _if_kept(figures(folder, asked, recipe.name), request)
        return {"done": told if _is_there(place.compressed, key, request) else None}
    if reason := request["died"]:
        refused = {"pass": recipe.stages[-1].name, "reason": reason}
        write(place.compressed, _death(key, request) | {"recipe": recipe.to_json(), "refused": refused})
    _forget(place.compressed, request)
    compress(folder, recipe, kept=request["kept"])
    return {"done": figures(folder, asked, recipe.name)}


def _evaluate(folder: Folder, asked: Asked, request: Request) -> Answer:
    name, place = request["name"], folder.candidate(request["name"])
    made = read(place.compressed)
    if made is None or made["refused"]:
        return {"done": figures(folder, asked, name)}
    key = evaluate_key(folder, asked, name)
    if request["look"]:
        return {"done": figures(folder, asked, name) if _is_there(place.evaluated, key, request) else None}
    if reason := request["died"]:
        write(place.evaluated, _death(key, request) | {"failed": reason})
    _forget(place.evaluated, request)
    evaluate(folder, asked, name)
    return {"done": figures(folder, asked, name)}


def _wanted(folder: Folder, asked: Asked, request: Request) -> Answer:
    return {"wanted": wanted(folder, asked, request["names"])}


def _repair(folder: Folder, asked: Asked, request: Request) -> Answer:
    name, place = request["name"], folder.candidate(request["name"])
    key = repair_key(folder, asked, name)
    if request["look"]:
        told = _if_kept(_repaired(folder, asked, name), request)
        return {"done": told if _is_there(place.repaired, key, request) else None}
    if reason := request["died"]:
        write(place.repaired, _death(key, request) | {"recipe": None, "refused": reason})
    _forget(place.repaired, request)
    repair_candidate(folder, asked, name, kept=request["kept"])
    return {"done": _repaired(folder, asked, name)}


def _repaired(folder: Folder, asked: Asked, name: str) -> Record | None:
    """Figures of what the repair made, or its reason; None where not all of it is there."""
    done = read(folder.candidate(name).repaired)
    if done is None:
        return None
    if done["recipe"] is None:
        told = {"smaller": None, "faster": None, "lost": None, "metric": asked.budget.metric, "at": None}
        return {**told, "reason": done["refused"]}
    made, place = f"{name}{MIXED}", folder.candidate(f"{name}{MIXED}")
    compressed, evaluated = read(place.compressed), read(place.evaluated)
    if not compressed or compressed["key"] != compress_key(folder, Recipe.from_json(done["recipe"])):
        return None
    if not compressed["refused"] and (not evaluated or evaluated["key"] != evaluate_key(folder, asked, made)):
        return None
    return figures(folder, asked, made)


def _asked_for(folder: Folder, asked: Asked, request: Request) -> Answer:
    names = [*request["names"], *mixed(folder, asked, request["names"])]
    chosen = read(folder.chosen)
    found = chosen is not None and chosen["key"] == choose_key(folder, asked, names)
    return {
        "names": names,
        "finalists": asked_for(folder, asked, names),
        "done": _chosen(folder, asked, names) if found else None,
    }


def _choose(folder: Folder, asked: Asked, request: Request) -> Answer:
    choose(folder, asked, request["names"])
    return {"done": _chosen(folder, asked, request["names"])}


def _chosen(folder: Folder, asked: Asked, names: list[str]) -> Record:
    chosen = read(folder.chosen) or {}
    told = {name: {**figures(folder, asked, name), **chosen["verdicts"][name]} for name in names}
    return {"chosen": chosen["chosen"], "reason": chosen["reason"], "candidates": told}


def _recipe(folder: Folder, name: str) -> Recipe:
    return next(one for one in recipes(read(folder.planned) or {}) if one.name == name)


def _death(key: str, request: Request) -> Record:
    """What a step leaves whose child died, under its own key: the next step goes on, another attempt tries again."""
    return {"key": key, "died": request["attempt"]}


def _is_there(path: Path, key: str, request: Request) -> bool:
    found = read(path)
    return found is not None and found["key"] == key and not _is_of_another(found, request)


def _forget(path: Path, request: Request) -> None:
    found = read(path)
    if found is not None and _is_of_another(found, request):
        path.unlink()


def _is_of_another(found: Record, request: Request) -> bool:
    return found.get("died") not in (None, request["attempt"])


def _if_kept(told: Record | None, request: Request) -> Record | None:
    """What was made is of no use without its model."""
    return told if told is None or told["smaller"] is None or request["kept"] else None


_STEPS: dict[str, Callable[[Folder, Asked, Request], Answer]] = {
    "plan": _plan,
    "compress": _compress,
    "evaluate": _evaluate,
    "wanted": _wanted,
    "repair": _repair,
    "asked_for": _asked_for,
    "choose": _choose,
}

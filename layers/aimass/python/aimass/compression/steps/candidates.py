"""Candidates as their steps left them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aimass.compression.choose import Candidate
from aimass.compression.result import Record, loss_from_json, read
from aimass.compression.rounding import rounded
from aimass.compression.steps.folder import Asked, Folder


def candidates(folder: Folder, asked: Asked, names: Sequence[str]) -> list[Candidate]:
    """Those that were made and answer."""
    size = (read(folder.planned) or {})["original"]["size"]
    found = []
    for name in names:
        place = folder.candidate(name)
        made, seen = read(place.compressed), read(place.evaluated)
        if made and not made["refused"] and seen and not seen["failed"]:
            found.append(_candidate(name, size / made["size"], seen, asked.budget.metric))
    return found


def refusal(folder: Folder, name: str) -> str | None:
    """Why a candidate was not made, or does not answer; None where it does."""
    place = folder.candidate(name)
    made = read(place.compressed)
    if made is None:
        return "It was not made."
    if made["refused"]:
        return f"{made['refused']['pass']}: {made['refused']['reason']}"
    seen = read(place.evaluated)
    return "It was not evaluated." if seen is None else seen["failed"]


def figures(folder: Folder, asked: Asked, name: str) -> Record:
    """For whoever follows it: `smaller` and `faster` in times, `lost` in the budget's metric, or `reason`, why not.

    Rounded, for nothing is compared with it. What is not known, or not finite, is None. `at` is its number among those
    that were planned, and how many they are.
    """
    planned, place = read(folder.planned) or {}, folder.candidate(name)
    whole, names = planned["original"]["size"], [one["name"] for one in planned["recipes"]]
    at = [names.index(name) + 1, len(names)] if name in names else None
    told: Record = {"smaller": None, "faster": None, "lost": None, "metric": asked.budget.metric, "reason": None}
    told["at"] = at
    made, seen = read(place.compressed), read(place.evaluated)
    if not made or made["refused"]:
        return {**told, "reason": refusal(folder, name)}
    told["smaller"] = rounded(whole / made["size"])
    if not seen or seen["failed"] is not None:
        return {**told, "reason": seen and seen["failed"]}
    lost = seen["metrics"].get(asked.budget.metric, {}).get("loss") or {}
    return {**told, "faster": rounded(seen["faster"]), "lost": rounded(lost.get("estimate"))}


def _candidate(name: str, smaller: float, seen: Mapping[str, Any], metric: str) -> Candidate:
    loss = loss_from_json(seen["metrics"][metric]["loss"])
    return Candidate(name, smaller, seen["faster"], loss, finite=seen["unusable"] is None)

"""Labels that differ where the original itself could have gone either way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from aimass.formats.member import shown
from aimass.sandbox.tasks.compare import Array, Judged


def forgiving(judged: Mapping[str, Judged]) -> tuple[dict[str, Judged], list[str]]:
    """Labels aren't held against rows whose two best scores tie within the tolerance; a note says how many."""
    notes: list[str] = []
    return {name: _forgiven(name, one, judged, notes) for name, one in judged.items()}, notes


def _forgiven(name: str, one: Judged, judged: Mapping[str, Judged], notes: list[str]) -> Judged:
    if one.difference.within or one.difference.largest_absolute is not None:
        return one
    left = [beyond & ~_tied(index, beyond, judged) for index, beyond in enumerate(one.beyond)]
    count = sum(int(rows.sum()) for rows in one.beyond) - sum(int(rows.sum()) for rows in left)
    if count:
        notes.append(f"{shown(name)}: {count} rows have another label, where the two best scores of the original tie")
    within = one.misfit is None and not any(bool(rows.any()) for rows in left)
    return replace(one, beyond=left, difference=replace(one.difference, within=within))


def _tied(index: int, beyond: Array, judged: Mapping[str, Judged]) -> Array:
    tied = np.zeros(len(beyond), bool)
    for other in judged.values():
        if len(other.tied[index]) == len(beyond):
            tied |= other.tied[index]
    return tied

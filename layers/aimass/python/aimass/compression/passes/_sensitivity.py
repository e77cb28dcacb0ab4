"""How much a model's answers suffer from each group, so that scores within layers can be held against each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aimass.compression.contract import Rows
from aimass.compression.graph.groups import Channelled
from aimass.compression.graph.running import Feed, Running
from aimass.compression.graph.slicing import zeroed
from aimass.compression.model_file import Answers, divergence

#: Rows that each group is tried on, and how many groups are tried; the scores of more are left as they are.
TRIED, GROUPS = 32, 128
#: Of a group's channels, the least important, so many are silenced.
SHARE = 0.5


def weighed(read: Channelled, scores: NDArray[np.float64], rows: Rows, folder: Path) -> NDArray[np.float64]:
    """Scores in units of the answers' error: those of a group's lesser half sum up to what silencing it did."""
    if len(read.groups) > GROUPS:
        return scores
    feeds = rows.feeds(TRIED)
    original = _answers(Running(read.graph.model, folder), feeds)
    found = scores.copy()
    for group in read.groups:
        order = group.roots[np.argsort(scores[group.roots], kind="stable")]
        silent = order[: int(len(order) * SHARE)]
        if not len(silent):
            continue
        answers = _answers(Running(zeroed(read, read.without(silent)), folder), feeds)
        error = divergence(original, answers) ** 2
        found[group.roots] *= min(error, 1e6) / max(float(scores[silent].sum()), 1e-30)
    return found


def _answers(running: Running, feeds: Sequence[Feed]) -> Answers:
    return [running(feed) for feed in feeds]

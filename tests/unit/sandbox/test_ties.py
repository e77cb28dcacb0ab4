"""Labels where the original itself could have gone either way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from aimass.sandbox.tasks.replay import replay_made_up
from tests.unit.sandbox.replaying import Answer, Declared, X, sides


def classifier(feed: Mapping[str, Any], tied: int, label: str) -> dict[str, Any]:
    """Scores of a, b and c; in the first `tied` rows of 256 a and b tie, and the answer is `label`."""
    rows = len(feed["x"])
    best = np.arange(rows) % 3
    scores = np.eye(3)[best] * 0.8 + 0.1
    labels = np.array(["a", "b", "c"], object)[best]
    if rows == 256:
        scores[:tied] = [0.45, 0.45, 0.1]
        labels[:tied] = label
    return {"label": labels, "scores": scores}


def classified(tied: int, label: str) -> Any:
    outputs = (Declared("label", "tensor(string)", ("n",)), Declared("scores", shape=("n", 3)))
    return replay_made_up(
        sides(lambda feed: classifier(feed, tied, "a"), lambda feed: classifier(feed, tied, label), *outputs), [X], 10
    )


def test_labels_of_rows_whose_scores_tie_are_forgiven_and_counted() -> None:
    found = classified(4, "b")
    assert found.replay.within
    assert 0.9 < found.replay.differences[0].agreement < 1
    assert found.notes == ["label: 4 rows have another label, where the two best scores of the original tie"]


@pytest.mark.parametrize("label", ["c", "nobody"])
def test_a_label_of_no_class_that_ties_is_not_forgiven(label: str) -> None:
    assert not classified(4, label).replay.within


def test_more_ties_than_a_few_are_not_forgiven() -> None:
    found = classified(40, "b")
    assert not found.replay.within
    assert "more than 5% of" in found.notes[0]


def test_labels_that_differ_where_nothing_ties_are_not_forgiven() -> None:
    def answers(label: int) -> Answer:
        def answer(feed: Mapping[str, Any]) -> dict[str, Any]:
            rows = len(feed["x"])
            return {"label": np.full(rows, label), "scores": np.tile(np.float32([0.9, 0.1]), (rows, 1))}

        return answer

    outputs = (Declared("label", "tensor(int64)", ("n",)), Declared("scores"))
    assert not replay_made_up(sides(answers(0), answers(1), *outputs), [X], 10).replay.within

"""An original that answers the same inputs differently each time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from aimass.domain.errors import ConversionFailed, InvalidSample
from aimass.sandbox.tasks.replay import replay_given, replay_made_up
from tests.unit.sandbox.replaying import Answer, Declared, X, sides, twice


def noisy(share: float, size: float = 1.0) -> Answer:
    """Twice the input, and in a share of the rows something else each time."""
    random = np.random.default_rng(3)

    def answer(feed: Mapping[str, Any]) -> dict[str, Any]:
        rows = len(feed["x"])
        chosen = np.arange(rows) < np.ceil(share * rows)
        noise = np.where(chosen[:, np.newaxis], random.normal(scale=size, size=(rows, 2)), 0)
        return {"y": (feed["x"] * 2 + noise).astype(np.float32)}

    return answer


def test_rows_where_the_original_differs_from_itself_are_left_out_and_counted() -> None:
    found = replay_made_up(sides(noisy(0.1), twice), [X], 10)
    assert found.replay.within
    (note,) = found.notes
    assert note.startswith("y: ")
    assert note.endswith(" rows are left out, where the original answers differently each time")


def test_a_conversion_that_is_further_off_than_the_noise_is_drift() -> None:
    found = replay_made_up(sides(noisy(0.1, 1e-3), lambda feed: {"y": feed["x"] * 3}), [X], 10)
    assert not found.replay.within


def test_a_steady_original_is_not_excused() -> None:
    found = replay_made_up(sides(twice, lambda feed: {"y": feed["x"] * 3}), [X], 10)
    assert not found.replay.within
    assert found.notes == []


def test_an_original_without_any_steady_row_proves_nothing() -> None:
    with pytest.raises(ConversionFailed, match="the original answers differently each time"):
        replay_made_up(sides(noisy(1), twice), [X], 10)


def test_an_output_that_is_random_is_left_out_and_the_others_count() -> None:
    random = noisy(1)

    def original(feed: Mapping[str, Any]) -> dict[str, Any]:
        return twice(feed) | {"z": random(feed)["y"]}

    def onnx(feed: Mapping[str, Any]) -> dict[str, Any]:
        return twice(feed) | {"z": feed["x"] * 2}

    found = replay_made_up(sides(original, onnx, Declared("y"), Declared("z")), [X], 10)
    assert [(one.output, one.within) for one in found.replay.differences] == [("y", True)]
    assert "z is not compared: the original answers it differently each time" in found.notes


def test_labels_that_change_from_call_to_call_are_left_out() -> None:
    random = np.random.default_rng(3)

    def original(feed: Mapping[str, Any]) -> dict[str, Any]:
        labels = np.zeros(len(feed["x"]), np.int64)
        labels[: len(labels) // 8] = random.integers(0, 1 << 40, len(labels) // 8)
        return {"y": labels}

    def onnx(feed: Mapping[str, Any]) -> dict[str, Any]:
        return {"y": np.zeros(len(feed["x"]), np.int64)}

    assert replay_made_up(sides(original, onnx, Declared("y", "tensor(int64)", ("n",))), [X], 10).replay.within


def test_expected_outputs_are_not_refused_for_rows_that_the_original_answers_differently() -> None:
    sample = {"x": np.ones((20, 2), np.float32)}
    expected = twice(sample)
    found = replay_given(sides(noisy(0.1), twice), sample, expected, seconds=10)
    assert (found.replay.within, found.replay.expected) == (True, True)
    with pytest.raises(InvalidSample, match="does not answer the sample as expected"):
        replay_given(sides(noisy(0.1), twice), sample, {"y": expected["y"] + 5})

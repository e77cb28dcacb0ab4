"""A sample that came with a model, and the outputs that are expected of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from aimass.domain.errors import ConversionFailed, InvalidSample
from aimass.sandbox.tasks.replay import replay_given
from tests.unit.sandbox.replaying import Declared, X, sides, twice


def test_inputs_made_up_are_replayed_beside_a_sample() -> None:
    def clipped(feed: Mapping[str, Any]) -> dict[str, Any]:
        return {"y": np.minimum(feed["x"] * 2, 6)}

    sample = {"x": np.float32([[0, 1], [1, 0], [2, 2]])}
    assert replay_given(sides(twice, clipped), sample, None).replay.within
    assert not replay_given(sides(twice, clipped), sample, None, [X], 10).replay.within
    found = replay_given(sides(twice, twice), sample, None, [X], 10)
    assert (found.replay.samples, found.replay.within) == ("given", True)
    assert found.replay.rows > 256
    assert found.notes == [f"replayed: 4 rows of the sample and {found.replay.rows - 4} made up"]


def test_a_sample_s_first_row_is_sent_alone_too() -> None:
    def only_three(feed: Mapping[str, Any]) -> dict[str, Any]:
        if len(feed["x"]) != 3:
            raise RuntimeError("Got: 1 Expected: 3")
        return twice(feed)

    sample = {"x": np.ones((3, 2), np.float32)}
    with pytest.raises(ConversionFailed, match="the sample's first row"):
        replay_given(sides(twice, only_three), sample, None)
    fixed = sides(only_three, only_three, inputs=(Declared("x", shape=(3, 2)),))
    assert replay_given(fixed, sample, None).replay.rows == 3


def test_a_sample_is_proof_where_nothing_made_up_runs() -> None:
    def ones(feed: Mapping[str, Any]) -> dict[str, Any]:
        if not (feed["x"] == 1).all():
            raise ValueError("ones only")
        return twice(feed)

    found = replay_given(sides(ones, twice), {"x": np.ones((1, 2), np.float32)}, None, [X], 10)
    assert (found.replay.rows, found.replay.within) == (1, True)
    assert any("ones only" in note for note in found.notes)


def test_a_sample_that_the_original_refuses_is_the_sample_s_fault() -> None:
    def refuses(_: Mapping[str, Any]) -> dict[str, Any]:
        raise ValueError("unknown category 'x'")

    with pytest.raises(InvalidSample, match="unknown category"):
        replay_given(sides(refuses, twice), {"x": np.zeros((1, 2), np.float32)}, None)


def test_an_output_that_only_the_expected_ones_have_is_compared_with_them() -> None:
    def onnx(feed: Mapping[str, Any]) -> dict[str, Any]:
        return twice(feed) | {"z": feed["x"] + 1}

    feed = {"x": np.ones((2, 2), np.float32)}
    both = sides(twice, onnx, Declared("y"), Declared("z"))
    assert replay_given(both, feed, {"z": np.full((2, 2), 2.0)}).replay.within
    found = replay_given(both, feed, {"z": np.full((2, 2), 3.0)})
    assert [one.output for one in found.replay.differences if not one.within] == ["z"]
    assert found.examples[0]["onnx"] == [2.0, 2.0]

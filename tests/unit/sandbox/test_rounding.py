"""An original that computes in double precision beside an ONNX model that takes single precision."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aimass.domain.conversion import ROUNDED, Conversion
from aimass.formats.converter import Wanted
from aimass.sandbox.tasks.calls import Call, Sides, judged
from aimass.sandbox.tasks.made_up import Batch
from aimass.sandbox.tasks.meant import without_meant
from aimass.sandbox.tasks.replay import Replayed, replay_given, replay_made_up
from aimass.sandbox.tasks.rounding_effect import without_rounded
from aimass.sandbox.tasks.sample import read_sample
from tests.unit.sandbox.replaying import Declared, sides

NOW = 1.7e9  # seconds, of which single precision tells apart every 128th
OFTEN = Wanted("x", "float32", (-1, 2), NOW, NOW + 3600, near={0: [NOW + 1000.0 * step for step in range(4)]})


def doubled(sides: Sides) -> Sides:
    return replace(sides, doubles=True)


def scaled(feed: Mapping[str, Any]) -> dict[str, Any]:
    return {"y": (feed["x"].astype(np.float64) - NOW) / 3600}


def steps(at: Sequence[float], feed: Mapping[str, Any]) -> dict[str, Any]:
    """How many of the thresholds a row is beyond in its first column."""
    return {"y": (feed["x"][:, :1].astype(np.float64) > np.asarray(at)).sum(axis=1).astype(np.int64)}


def stepping(*at: float, onnx: Sequence[float] = ()) -> Sides:
    outputs = Declared("y", "tensor(int64)", ("n",))
    return doubled(sides(lambda feed: steps(at, feed), lambda feed: steps(onnx or at, feed), outputs))


def timestamps(rows: int) -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {"x": NOW + 3600 * random.random((rows, 2))}


def test_a_sample_s_doubles_reach_the_original_as_they_came_and_the_onnx_model_rounded() -> None:
    seen: dict[str, Any] = {}

    def original(feed: Mapping[str, Any]) -> dict[str, Any]:
        return scaled(seen.setdefault("original", feed))

    def onnx(feed: Mapping[str, Any]) -> dict[str, Any]:
        return scaled(seen.setdefault("onnx", feed))

    sample = timestamps(20)
    replay_given(doubled(sides(original, onnx)), sample, None)
    assert np.array_equal(seen["original"]["x"], sample["x"])
    assert np.array_equal(seen["onnx"]["x"], sample["x"].astype(np.float32))
    assert seen["onnx"]["x"].dtype == np.float32


def test_answers_that_rounding_changes_are_drift_that_names_the_column() -> None:
    sample = timestamps(200)
    sample["x"][:, 1] = NOW  # which single precision has exactly
    found = replay_given(doubled(sides(scaled, scaled)), sample, None)
    assert not found.replay.within
    (note,) = [note for note in found.notes if note.startswith(ROUNDED)]
    assert "of 201 rows are answered otherwise than unrounded (input 'x', column 0 (counted from 0): up to 6" in note
    assert "less an offset or scaled" in note
    assert len(note) <= 300
    assert found.examples[0]["inputs"]["x"][0] == sample["x"][found.examples[0]["row"], 0]
    assert found.examples[0]["rounded"]["x"][0] == np.float32(found.examples[0]["inputs"]["x"][0])


def test_rounding_of_ordinary_numbers_is_no_drift_and_no_note() -> None:
    sample = {"x": np.random.default_rng(0).normal(size=(500, 2))}

    def tanh(feed: Mapping[str, Any]) -> dict[str, Any]:
        return {"y": np.tanh(feed["x"])}

    found = replay_given(doubled(sides(tanh, tanh)), sample, None)
    assert (found.replay.within, found.notes) == (True, [])


@pytest.mark.parametrize(("crossing", "within"), [(2, True), (30, False)])
def test_few_rows_that_rounding_carries_over_a_threshold_are_told_and_more_are_drift(
    crossing: int, within: bool
) -> None:
    sample = {"x": np.linspace(1, 2, 1000).reshape(500, 2)}
    sample["x"][:crossing, 0] = 0.7  # as a float it is below
    found = replay_given(stepping(0.7 - 1e-9), sample, None)
    assert found.replay.within is within
    count = crossing + 1  # the first row is sent alone too
    assert found.notes[0].startswith(f"{ROUNDED}{count} of 501 rows are answered otherwise")
    assert ("so few are not held against" in found.notes[0]) is within


def test_rows_that_the_onnx_model_answers_wrongly_are_not_blamed_on_rounding() -> None:
    sample = {"x": np.linspace(0.1, 2, 1000).reshape(500, 2)}
    found = replay_given(stepping(0.7, onnx=[0.8]), sample, None)
    assert not found.replay.within
    assert not any(note.startswith(ROUNDED) for note in found.notes)


def colliding(original: Any) -> Replayed:
    near = [NOW, NOW + 10, NOW + 20]
    outputs = Declared("y", "tensor(int64)", ("n",))
    both = doubled(sides(original, lambda feed: steps(near, feed), outputs))
    return replay_made_up(both, [replace(OFTEN, near={0: near})], 10)


def test_thresholds_that_single_precision_has_as_one_are_tried_in_doubles() -> None:
    near = [NOW, NOW + 10, NOW + 20]
    found = colliding(lambda feed: steps(near, feed))
    assert not found.replay.within
    assert found.examples[0]["from"] == "values at which the model decides, and that single precision has as one"
    column = "input 'x', column 0 (counted from 0): up to 25 off"
    assert any(note.startswith(ROUNDED) and column in note for note in found.notes)


def test_an_original_that_rounds_itself_loses_nothing() -> None:
    near = [NOW, NOW + 10, NOW + 20]
    found = colliding(lambda feed: steps(near, {"x": feed["x"].astype(np.float32)}))
    assert (found.replay.within, found.notes) == (True, [])


def test_rounding_between_values_at_which_the_model_decides_is_told_and_decides_nothing() -> None:
    found = replay_made_up(doubled(sides(scaled, scaled)), [OFTEN], 10)
    assert found.replay.within
    (note,) = found.notes
    assert "of 256 rows made up between values at which the model decides are answered otherwise" in note
    assert len(note) <= 400


def test_a_float_that_stands_for_the_double_at_which_a_model_decides_may_go_either_way() -> None:
    wanted = [Wanted("x", "float32", (-1, 2), near={0: [0.1]})]
    above = float(np.float32(0.1))
    assert above > 0.1
    assert replay_made_up(stepping(0.1, onnx=[above]), wanted, 10).replay.within
    assert replay_made_up(stepping(0.1), wanted, 10).replay.within
    further = float(np.nextafter(np.float32(0.1), np.float32(1)))
    assert not replay_made_up(stepping(0.1, onnx=[further]), wanted, 10).replay.within
    assert not replay_made_up(replace(stepping(0.1, onnx=[above]), doubles=False), wanted, 10).replay.within


def test_libraries_of_tensors_are_given_single_precision(tmp_path: Path) -> None:
    path = tmp_path / "sample.npz"
    np.savez(path, x=np.full((2, 2), NOW + 1))
    inputs = (Declared("x"),)
    assert read_sample(path, inputs)["x"].dtype == np.float32
    assert read_sample(path, inputs, doubles=True)["x"][0, 0] == NOW + 1


def test_a_conversion_tells_its_notes_of_rounding_as_causes() -> None:
    found = replay_given(doubled(sides(scaled, scaled)), timestamps(200), None)
    notes = ("made for a test", *found.notes)
    conversion = Conversion("sklearn", "trees", "", 1.0, 1, {}, found.replay, notes=notes)
    assert conversion.causes == (found.notes[0],)


@pytest.mark.parametrize("forgive", [without_meant, without_rounded])
def test_the_original_is_asked_again_for_no_longer_than_there_is_time(forgive: Any) -> None:
    asked: list[int] = []

    def original(feed: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(len(feed["x"]))
        return steps([0.7], feed)

    def forgiven(until: float) -> Sequence[Call]:
        """Calls that are off in every row, as 0.7 is below the threshold in single precision alone."""
        asked.clear()
        if forgive is without_rounded:
            return forgive(both, calls, judged(both, calls), until, forgive_few=False)[0]
        return forgive(
            both, [Wanted("x", "float32", (-1, 2), 0, 1, near={0: [0.7]})], calls, judged(both, calls), until
        )

    exact = {"x": np.full((3, 2), 0.7)}
    both = doubled(sides(original, lambda feed: steps([0.6], feed), Declared("y", "tensor(int64)", ("n",))))
    feed = {"x": exact["x"].astype(np.float32)}
    batch = Batch("numbers", feed, 3, unrounded=exact if forgive is without_rounded else None)
    calls = [Call(batch, steps([0.7], feed), steps([0.6], feed)) for _ in range(4)]
    forgiven(time.monotonic() + 60)
    assert asked == [3] * 4
    forgiven(time.monotonic())
    assert asked == []

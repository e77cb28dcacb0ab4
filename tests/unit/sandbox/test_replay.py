"""What both models are tried with, and what becomes of the answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from aimass.domain.errors import ConversionFailed, SampleNeeded
from aimass.formats.converter import Wanted
from aimass.inference.onnxruntime.model import OpenModel, run_options, session_options
from aimass.sandbox.tasks.calls import Sides
from aimass.sandbox.tasks.replay import replay_made_up
from tests.unit.sandbox.converting import zipmap
from tests.unit.sandbox.replaying import Declared, X, sides, twice


def test_agreeing_models_are_within_over_hundreds_of_rows() -> None:
    found = replay_made_up(sides(twice, twice), [X], 10)
    assert found.replay.within
    assert found.replay.rows >= 256
    assert (found.examples, found.notes) == ([], [])


def test_only_shapes_that_the_original_takes_are_held_against_the_onnx_model() -> None:
    seen = []

    def only_32(feed: Mapping[str, Any]) -> dict[str, Any]:
        if feed["x"].shape[1] != 32:
            raise ValueError("pictures of 32 only")
        seen.append(feed["x"].shape)
        return twice(feed)

    wanted = [Wanted("x", "float32", (-1, -1))]
    found = replay_made_up(sides(only_32, twice, inputs=(Declared("x", shape=("n", "w")),)), wanted, 10)
    assert found.replay.within
    assert {shape[1] for shape in seen} == {32}


def test_a_batch_size_that_was_fixed_while_exporting_is_found() -> None:
    def fixed(feed: Mapping[str, Any]) -> dict[str, Any]:
        if len(feed["x"]) != 1:
            raise RuntimeError("Got invalid dimensions: index: 0 Got: 2 Expected: 1")
        return twice(feed)

    with pytest.raises(ConversionFailed, match=r"refuses what the original takes.*Got: 2 Expected: 1"):
        replay_made_up(sides(twice, fixed), [X], 10)


def test_more_rows_than_memory_holds_are_left_out() -> None:
    def small(feed: Mapping[str, Any]) -> dict[str, Any]:
        if len(feed["x"]) > 16:
            raise RuntimeError("Failed to allocate memory for requested buffer of size 99")
        return twice(feed)

    assert replay_made_up(sides(twice, small), [X], 10).replay.within
    assert replay_made_up(sides(small, twice), [X], 10).replay.within


def test_a_model_of_one_row_a_call_is_called_often() -> None:
    fixed = (Declared("x", shape=(1, 2)),)
    found = replay_made_up(sides(twice, twice, inputs=fixed), [Wanted("x", "float32", (1, 2))], 10)
    assert 100 <= found.replay.rows <= 400


def test_a_model_that_takes_nothing_asks_for_a_sample() -> None:
    def refuses(_: Mapping[str, Any]) -> dict[str, Any]:
        raise ValueError("no such colour")

    with pytest.raises(SampleNeeded, match="no such colour"):
        replay_made_up(sides(refuses, twice), [X], 10)


def test_drift_at_one_value_is_found_and_told_with_its_row() -> None:
    near = np.float32(0.25)

    def steps(feed: Mapping[str, Any]) -> dict[str, Any]:
        return {"y": (feed["x"] > near).astype(np.float32)}

    def drifting(feed: Mapping[str, Any]) -> dict[str, Any]:
        return {"y": (feed["x"] >= near).astype(np.float32)}

    wanted = [Wanted("x", "float32", (-1, 2), near={1: [0.25]})]
    found = replay_made_up(sides(steps, drifting), wanted, 10)
    assert not found.replay.within
    assert found.replay.differences[0].largest_absolute == 1.0
    assert all(example["inputs"]["x"][1] == 0.25 for example in found.examples)
    assert len(json.dumps(found.examples, allow_nan=False)) < 4000


def test_unusual_texts_are_told_and_decide_nothing() -> None:
    def length(feed: Mapping[str, Any]) -> dict[str, Any]:
        return {"y": np.vectorize(len, otypes=[np.int64])(feed["x"])}

    def in_bytes(feed: Mapping[str, Any]) -> dict[str, Any]:
        return {"y": np.vectorize(lambda text: len(text.encode()), otypes=[np.int64])(feed["x"])}

    outputs = Declared("y", "tensor(int64)", ("n", 1))
    text = Declared("x", "tensor(string)", ("n", 1))
    wanted = [Wanted("x", "str", (-1, 1), words=("red", "blue"))]
    found = replay_made_up(sides(length, in_bytes, outputs, inputs=(text,)), wanted, 10)
    assert found.replay.within
    assert found.notes[0].startswith("unusual texts: y agrees in ")


def test_a_sequence_of_maps_from_onnxruntime_is_compared(tmp_path: Any) -> None:
    (tmp_path / "m.onnx").write_bytes(zipmap().SerializeToString())
    model = OpenModel(tmp_path / "m.onnx", session_options(1))

    def onnx(feed: Mapping[str, Any]) -> dict[str, Any]:
        return dict(zip(["scores"], model.run(feed, run_options()), strict=True))

    found = replay_made_up(Sides(lambda feed: {"scores": feed["x"]}, onnx, model.inputs, model.outputs), [X], 10)
    assert found.replay.within
    wrong = Sides(lambda feed: {"scores": feed["x"] + 1}, onnx, model.inputs, model.outputs)
    assert not replay_made_up(wrong, [X], 10).replay.within


def test_an_output_that_is_missing_in_some_calls_is_compared_in_the_others_and_drifts() -> None:
    def sometimes(feed: Mapping[str, Any]) -> dict[str, Any]:
        return twice(feed) | ({"z": feed["x"]} if len(feed["x"]) > 1 else {})

    def always(feed: Mapping[str, Any]) -> dict[str, Any]:
        return twice(feed) | {"z": feed["x"]}

    found = replay_made_up(sides(sometimes, always, Declared("y"), Declared("z")), [X], 10)
    assert [(one.output, one.within) for one in found.replay.differences] == [("y", True), ("z", False)]
    assert "z: the original answers it in some calls only" in found.notes
    assert found.examples[0]["misfit"] == "the original answers it in some calls only"


def test_an_output_that_is_never_compared_is_told() -> None:
    found = replay_made_up(sides(twice, lambda feed: twice(feed) | {"z": 1}, Declared("y"), Declared("z")), [X], 10)
    assert [one.output for one in found.replay.differences] == ["y"]
    assert found.notes == ["z is not compared: the original does not answer it"]


@pytest.mark.parametrize(
    ("value", "words"), [(np.nan, "y: the answers are all NaN"), (3.0, "y: the answers never vary")]
)
def test_answers_that_show_nothing_are_told(value: float, words: str) -> None:
    def same(feed: Mapping[str, Any]) -> dict[str, Any]:
        return {"y": np.full(feed["x"].shape, value, np.float32)}

    (note,) = replay_made_up(sides(same, same), [X], 10).notes
    assert note.startswith(words)


@pytest.mark.parametrize(("decided_at", "told"), [(0.5, False), (0.6, True)])
def test_labels_that_are_not_of_the_highest_probability_are_told(decided_at: float, told: bool) -> None:
    def answer(feed: Mapping[str, Any]) -> dict[str, Any]:
        second = 1 / (1 + np.exp(-feed["x"][:, 0]))
        labels = np.where(second > decided_at, "yes", "no").astype(object)
        return {"label": labels, "y": np.stack([1 - second, second], 1).astype(np.float32)}

    found = replay_made_up(sides(answer, answer, Declared("label", "tensor(string)"), Declared("y")), [X], 10)
    assert any("label is not the class of the highest value in y in" in note for note in found.notes) == told


def test_batches_that_the_original_refuses_are_counted() -> None:
    def positive(feed: Mapping[str, Any]) -> dict[str, Any]:
        if (feed["x"] == 0).all():
            raise ValueError("all zeros")
        return twice(feed)

    (note,) = replay_made_up(sides(positive, twice), [X], 10).notes
    assert note == "1 of 4 batches made up were refused by the original or need more memory: all zeros"


def test_a_refusal_that_lists_all_that_was_made_up_is_told_by_its_beginning() -> None:
    def no_zeros(feed: Mapping[str, Any]) -> dict[str, Any]:
        if not feed["x"].any():
            raise ValueError("unknown categories " + "'made up' " * 50)
        return twice(feed)

    (note,) = replay_made_up(sides(no_zeros, twice), [X], 10).notes
    assert note.endswith("'made up'…")
    assert len(note) < 200


def test_thousands_of_values_at_which_trees_decide_are_all_tried() -> None:
    seen: set[float] = set()

    def original(feed: Mapping[str, Any]) -> dict[str, Any]:
        seen.update(feed["x"][:, 0].tolist())
        return twice(feed)

    near = [float(value) for value in range(3000)]
    wanted = [Wanted("x", "float32", (-1, 2), near={0: near})]
    found = replay_made_up(replace(sides(original, twice), trees=True), wanted, 60)
    assert {*near} <= seen
    assert found.notes == []
    assert replay_made_up(sides(twice, twice), wanted, 60).replay.rows < 1500


def test_values_that_there_was_no_time_for_are_counted() -> None:
    wanted = [Wanted("x", "float32", (-1, 2), near={0: [1.0, 2.0]})]
    found = replay_made_up(replace(sides(twice, twice), trees=True), wanted, 0)
    assert found.notes == ["0 of 6 values at which the model decides, and next to them, were tried"]


def test_a_model_that_answers_nothing_comparable_is_no_proof() -> None:
    with pytest.raises(ConversionFailed, match="nothing can be compared"):
        replay_made_up(sides(lambda feed: {"other": feed["x"]}, twice), [X], 10)


def test_five_short_examples_are_enough_whatever_the_width() -> None:
    wide = (Declared("x", shape=("n", 3000)),)
    wanted = [Wanted("x", "float32", (-1, 3000))]
    found = replay_made_up(sides(twice, lambda feed: {"y": feed["x"]}, inputs=wide), wanted, 10)
    assert 1 <= len(found.examples) <= 5
    assert len(json.dumps(found.examples)) < 4000
    assert {"column", "row", "from"} <= found.examples[0].keys()

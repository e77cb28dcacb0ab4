"""What both models are tried with, and what becomes of the answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from aimass.domain.errors import ConversionFailed, InvalidSample, SampleNeeded
from aimass.formats.converter import Wanted
from aimass.inference.onnxruntime.model import OpenModel, run_options, session_options
from aimass.sandbox.tasks.made_up import MadeUp, Sweep
from aimass.sandbox.tasks.replay import Sides, replay_given, replay_made_up
from tests.unit.sandbox.converting import zipmap

FEW = Sweep(64, 16)
Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass
class Declared:
    """As onnxruntime describes an input or output."""

    name: str
    type: str = "tensor(float)"
    shape: tuple[Any, ...] = ("n", 2)


def sides(original: Answer, onnx: Answer, *outputs: Declared, inputs: tuple[Declared, ...] = (Declared("x"),)) -> Sides:
    return Sides(original, onnx, inputs, outputs or (Declared("y"),))


def twice(feed: Mapping[str, Any]) -> dict[str, Any]:
    return {"y": feed["x"] * 2}


X = Wanted("x", "float32", (-1, 2), -4.0, 4.0)


def test_values_at_and_next_to_where_a_model_decides_are_among_the_inputs() -> None:
    made = MadeUp([Wanted("x", "float32", (-1, 3), near={1: [0.25, 7.5]})], {"x": ["n", 3]})
    seen = {float(value) for batch in made.batches(32, 16, FEW) for value in batch.feed["x"][:, 1]}
    for value in (np.float32(0.25), np.float32(7.5)):
        assert {float(value), *(float(np.nextafter(value, np.float32(side))) for side in (-np.inf, np.inf))} <= seen


def test_nan_is_sent_where_the_model_asks_for_it() -> None:
    made = MadeUp([Wanted("x", "float32", (-1, 1), near={0: [float("nan")]})], {"x": ["n", 1]})
    assert any(np.isnan(batch.feed["x"]).any() for batch in made.batches(8, 16, FEW))


def test_a_batch_holds_zeros_and_the_ends_of_the_range() -> None:
    batches = [batch.feed["x"] for batch in MadeUp([X], {"x": ["n", 2]}).batches(32, 16, FEW)]
    assert any((batch == 0).all() for batch in batches)
    assert {-4.0, 4.0} <= {float(value) for batch in batches for value in batch.ravel()}
    assert {len(batch) for batch in batches} >= {1, 32}


@pytest.mark.parametrize("dtype", ["float16", "float64", "bfloat16", "int8", "int64", "uint64", "bool", "str"])
def test_inputs_have_the_type_that_is_wanted(dtype: str) -> None:
    made = MadeUp([Wanted("x", dtype, (-1, 2), near={0: [1]} if "int" in dtype else {})], {"x": ["n", 2]})
    kinds = {batch.feed["x"].dtype.name for batch in made.batches(8, 16, FEW)}
    assert kinds == {"object" if dtype == "str" else dtype}


def test_whole_numbers_stay_in_their_range_to_its_very_ends() -> None:
    made = MadeUp([Wanted("x", "int64", (-1,), -(2**63), 2**63 - 1)], {"x": ["n"]})
    values = np.concatenate([batch.feed["x"] for batch in made.batches(64, 16, FEW)])
    assert values.min() < -(2**61) < 2**61 < values.max()
    ids = MadeUp([Wanted("ids", "int64", (-1, -1), 5, 9)], {"ids": ["n", "t"]})
    assert {int(value) for value in ids.random(64, 16).feed["ids"].ravel()} == {5, 6, 7, 8, 9}


def test_texts_are_words_then_phrases_then_what_no_vocabulary_has() -> None:
    made = MadeUp([Wanted("t", "str", (-1, 1), words=("red", "blue"))], {"t": ["n", 1]})
    batches = {batch.kind: batch for batch in made.batches(32, 16, FEW)}
    assert set(batches["random values"].feed["t"].ravel()) == {"red", "blue"}
    assert any(" " in text for text in batches["several words in one text"].feed["t"].ravel())
    unusual = batches["unusual texts"]
    assert "" in unusual.feed["t"].ravel()
    assert not unusual.plausible


def test_dimensions_of_one_symbol_have_one_size_and_a_fixed_one_stays() -> None:
    wanted = [Wanted("ids", "int64", (-1, -1)), Wanted("mask", "int64", (-1, -1)), Wanted("p", "float32", (-1, -1, 4))]
    made = MadeUp(wanted, {"ids": ["n", "t"], "mask": ["n", "t"], "p": ["n", 7, 4]})
    feed = made.random(5, 3).feed
    assert [value.shape for value in feed.values()] == [(5, 3), (5, 3), (5, 7, 4)]


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


def test_batches_that_the_original_refuses_are_counted() -> None:
    def positive(feed: Mapping[str, Any]) -> dict[str, Any]:
        if (feed["x"] == 0).all():
            raise ValueError("all zeros")
        return twice(feed)

    (note,) = replay_made_up(sides(positive, twice), [X], 10).notes
    assert note == "1 of 4 batches made up were refused by the original or need more memory: all zeros"


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


def test_a_model_that_answers_nothing_comparable_is_no_proof() -> None:
    with pytest.raises(ConversionFailed, match="nothing can be compared"):
        replay_made_up(sides(lambda feed: {"other": feed["x"]}, twice), [X], 10)


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


def test_five_short_examples_are_enough_whatever_the_width() -> None:
    wide = (Declared("x", shape=("n", 3000)),)
    wanted = [Wanted("x", "float32", (-1, 3000))]
    found = replay_made_up(sides(twice, lambda feed: {"y": feed["x"]}, inputs=wide), wanted, 10)
    assert 1 <= len(found.examples) <= 5
    assert len(json.dumps(found.examples)) < 4000
    assert {"column", "row", "from"} <= found.examples[0].keys()

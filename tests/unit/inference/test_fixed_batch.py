import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.domain.description import Batching, Description
from aimass.domain.errors import InvalidArguments, PayloadTooLarge, PredictionFailed
from aimass.domain.model import Measurements, TensorSpec, Variant, Version
from aimass.inference.fixed_batch import batch_of, check_time, runs_of

BATCHING = Description(batching=Batching(max_batch=64))


def version(*shapes, outputs=((4, 2),), description=None, onnx_type="tensor(float)"):
    specs = [
        tuple(TensorSpec(f"{side}{at}", "FP32", shape, onnx_type) for at, shape in enumerate(of))
        for side, of in (("x", shapes), ("y", outputs))
    ]
    return Version("m", 1, "ready", "job", "now", "f", inputs=specs[0], outputs=specs[1], description=description)


def rows(count, width=3):
    return np.arange(count * width, dtype=np.float32).reshape(count, width)


@pytest.mark.parametrize(
    ("inputs", "outputs", "size"),
    [
        ([(4, 3)], [(4, 2)], 4),
        ([(1, 3), (1, 5)], [(1,), (1, 2)], 1),
        ([(1,)], [(1,)], 1),
        ([(4,)], [(4,)], None),
        ([(-1, 3)], [(-1, 2)], None),
        ([(4, 3)], [(1000,)], None),
        ([(4, 3), (2, 3)], [(4, 2)], None),
        ([(4, 3), ()], [(4, 2)], None),
        ([(0, 3)], [(0, 2)], None),
    ],
)
def test_a_fixed_batch_is_what_all_inputs_and_outputs_share(inputs, outputs, size):
    assert batch_of(version(*inputs, outputs=outputs)) == size


def test_a_sequence_has_no_batch():
    assert batch_of(version((1,), outputs=[(1,)], onnx_type="seq(tensor(float))")) is None


def test_what_fits_runs_as_it_came():
    feed = {"x0": rows(4)}
    runs = runs_of(version((4, 3)), feed)
    assert list(runs.feeds) == [feed]
    assert runs.join([["answer"]]) == ["answer"]


def test_several_batches_are_views_of_what_came():
    given_rows = rows(12)
    runs = runs_of(version((4, 3)), {"x0": given_rows})
    assert [feed["x0"].shape for feed in runs.feeds] == [(4, 3)] * 3
    assert all(np.shares_memory(feed["x0"], given_rows) for feed in runs.feeds)


def test_a_batch_is_made_when_its_turn_comes():
    runs = runs_of(version((1, 1), outputs=[(1, 1)]), {"x0": rows(1_000_000, 1)})
    assert runs.count == 1_000_000
    assert sys.getsizeof(runs.feeds) < 1000
    assert runs.feed(999_999)["x0"].tolist() == [[999_999.0]]


def test_a_list_of_maps_is_joined_with_the_rows_beside_it():
    model = version((2, 3), outputs=[(2,)], description=BATCHING)
    maps = TensorSpec("z", "BYTES", (1,), "seq(map(int64,tensor(float)))")
    model = replace(model, outputs=(*model.outputs, maps))
    runs = runs_of(model, {"x0": rows(3)})
    labels, scores = runs.join([[feed["x0"][:, 0], [{0: float(row[0])} for row in feed["x0"]]] for feed in runs.feeds])
    assert labels.tolist() == [0, 3, 6]
    assert scores == [{0: 0.0}, {0: 3.0}, {0: 6.0}]


@pytest.mark.parametrize("answer", [[np.zeros((3, 2))], [[{}]]])
def test_answers_without_a_row_for_each_row_are_not_joined(answer):
    runs = runs_of(version((2, 3), outputs=[(2, 2)]), {"x0": rows(4)})
    with pytest.raises(PredictionFailed, match="a batch of 2 rows was not answered with as many"):
        runs.join([answer, answer])


def test_answers_of_different_shapes_are_not_joined():
    runs = runs_of(version((2, 3), outputs=[(2, -1)]), {"x0": rows(4)})
    with pytest.raises(PredictionFailed, match="differ in shape"):
        runs.join([[np.zeros((2, 1))], [np.zeros((2, 5))]])


@pytest.mark.parametrize(("p50", "seconds", "most"), [(10.0, 1.0, 100), (0.001, 1.0, 50_000)])
def test_more_batches_than_a_call_has_time_for_are_refused(p50, seconds, most):
    measured = Variant("original", None, False, {}, None, None, Measurements(1.0, 1, p50, p50, 1, "1"))
    model = version((2, 1), outputs=[(2, 1)])
    check_time(runs_of(model, {"x0": rows(2 * most, 1)}), measured, seconds)
    with pytest.raises(PayloadTooLarge, match=f"send at most {2 * most} rows a call"):
        check_time(runs_of(model, {"x0": rows(2 * most + 2, 1)}), measured, seconds)


@given(size=st.integers(1, 5), count=st.integers(1, 23))
def test_split_and_joined_is_every_row_in_its_place(size, count):
    model = version((size, 3), (size, 1), outputs=[(size, 3), (size, 1)], description=BATCHING)
    feed = {"x0": rows(count), "x1": rows(count, 1)}
    runs = runs_of(model, feed)
    assert all(len(one) == size for feed in runs.feeds for one in feed.values())
    joined = runs.join([[one["x0"], one["x1"]] for one in runs.feeds])
    np.testing.assert_array_equal(joined[0], feed["x0"])
    np.testing.assert_array_equal(joined[1], feed["x1"])


def test_a_last_batch_is_filled_up_with_its_last_row():
    runs = runs_of(version((4, 3), description=BATCHING), {"x0": rows(5)})
    np.testing.assert_array_equal(runs.feed(1)["x0"], rows(5)[[4, 4, 4, 4]])


@pytest.mark.parametrize(
    ("model", "feed", "what"),
    [
        (version((4, 3)), {"x0": rows(6)}, "input 'x0': wants batches of 4 rows, got 6; send a multiple of 4, or say"),
        (version((4, 3)), {"x0": rows(0)}, "input 'x0': wants at least one row, got none"),
        (version((4, 3)), {"x0": rows(8, 2)}, r"input 'x0': wants FP32 of shape \[4, 3\], got shape \[8, 2\]"),
        (version((4, 3)), {"x0": np.float32(1)}, r"input 'x0': wants FP32 of shape \[4, 3\], got shape \[\]"),
        (version((4, 3), outputs=[(9,)]), {"x0": rows(8)}, r"input 'x0': wants FP32 of shape \[4, 3\], got shape \[8"),
        (version((4, 3), (4, 3)), {"x0": rows(8), "x1": rows(4)}, "as many rows: 'x0' has 8, 'x1' has 4"),
    ],
)
def test_what_makes_no_batches_is_refused_by_name(model, feed, what):
    with pytest.raises(InvalidArguments, match=what):
        runs_of(model, feed)

"""What both models are tried with."""

from __future__ import annotations

import numpy as np
import pytest

from aimass.formats.converter import Wanted
from aimass.sandbox.tasks.made_up import MadeUp, Sweep
from tests.unit.sandbox.replaying import X

FEW = Sweep(64, 16)


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

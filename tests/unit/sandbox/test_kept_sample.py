"""What a conversion leaves for who runs the ONNX model without the original."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aimass.domain.conversion import SAMPLE
from aimass.formats.converter import Wanted
from aimass.sandbox.tasks.calls import Sides
from aimass.sandbox.tasks.kept_sample import write_sample
from aimass.sandbox.tasks.replay import Replayed, replay_given, replay_made_up
from aimass.sandbox.tasks.sample import read_sample
from tests.unit.sandbox.replaying import Declared, X, sides, twice

TOWN = Declared("town", "tensor(string)", ("n", 1))
WORDS = Wanted("town", "str", (-1, 1), words=("Oslo", "Köln", "New York"))


def known(feed: Mapping[str, Any]) -> dict[str, Any]:
    """As an encoder that takes no other word."""
    assert {*feed["town"].ravel()} <= {*WORDS.words}, "unknown categories"
    return {"y": np.array([[WORDS.words.index(one)] for one in feed["town"].ravel()], np.float32)}


def replayed(wanted: Wanted, declared: Declared, run: Any = twice) -> Replayed:
    return replay_made_up(Sides(run, run, (declared,), (Declared("y"),)), [wanted], 5)


def test_a_row_of_words_that_both_took_is_read_as_any_sample(tmp_path: Path) -> None:
    found = replayed(WORDS, TOWN, known)
    assert write_sample(tmp_path, found.sample) == (SAMPLE,)
    feed = read_sample(tmp_path / SAMPLE, [TOWN])
    assert feed["town"].shape == (1, 1)
    assert known(feed)["y"].shape == (1, 1)


def test_no_pickle_is_needed_and_any_name_of_an_input_fits(tmp_path: Path) -> None:
    names = ("file", "allow_pickle", "a/b", "Größe in cm")
    inputs = [Declared(name) for name in names]
    write_sample(tmp_path, dict.fromkeys(names, np.zeros((1, 2), np.float32)))
    assert set(np.load(tmp_path / SAMPLE, allow_pickle=False)) == set(names)
    assert [*read_sample(tmp_path / SAMPLE, inputs)] == [*names]


def test_numbers_that_single_precision_rounds_are_kept_as_the_onnx_model_takes_them() -> None:
    found = replayed(X, Declared("x"))
    assert found.sample
    assert (found.sample["x"].dtype, found.sample["x"].shape) == (np.float32, (1, 2))


def test_none_is_left_beside_one_that_came() -> None:
    assert replay_given(sides(twice, twice), {"x": np.ones((1, 2), np.float32)}, None, [X], 5).sample is None


@pytest.mark.parametrize(
    ("wanted", "declared"),
    [
        (Wanted("x", "float32", (-1, -1)), Declared("x", shape=("n", "w"))),
        (Wanted("x", "float32", (-1, 600_000)), Declared("x", shape=("n", 600_000))),
    ],
)
def test_none_is_left_of_what_varies_in_size_or_is_large(wanted: Wanted, declared: Declared) -> None:
    assert replayed(wanted, declared).sample is None


def test_rows_that_are_answered_with_no_number_are_passed_over() -> None:
    def nothing_alone(feed: Mapping[str, Any]) -> dict[str, Any]:
        return {"y": feed["x"] * (np.nan if len(feed["x"]) == 1 else 2)}

    found = replayed(X, Declared("x"), nothing_alone)
    assert found.sample
    assert len(found.sample["x"]) == 2

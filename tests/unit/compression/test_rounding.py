from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from aimass.compression.rounding import rounded, up, up_to

FLOATS = st.floats(-1e9, 1e9).filter(lambda value: abs(value) > 1e-9)


def test_floats_have_four_digits_and_all_else_stays() -> None:
    found = rounded({"faster": 8.640123456, "rows": 123456, "name": "a", "none": None, "all": [1 / 3, True]})
    assert found == {"faster": 8.64, "rows": 123456, "name": "a", "none": None, "all": [0.3333, True]}


def test_a_bound_is_never_told_better_than_it_is() -> None:
    loss = {"estimate": 0.0010001, "upper": 0.0042001, "lower": -0.0042001}
    assert rounded({"loss": loss}) == {"loss": {"estimate": 0.001, "upper": 0.004201, "lower": -0.004201}}
    assert rounded({"upper": -0.0042009, "lower": 0.0042009}) == {"upper": -0.0042, "lower": 0.0042}


def test_what_the_user_allowed_stays_as_it_was_given() -> None:
    assert rounded({"lost": {"before": 0.0123456, "allowed": 0.0123456}}) == {
        "lost": {"before": 0.01235, "allowed": 0.0123456}
    }


def test_what_is_not_finite_stays() -> None:
    assert rounded([math.inf, 0.0]) == [math.inf, 0.0]
    assert up_to(math.inf, 4) == math.inf


@given(st.floats(allow_nan=False), st.integers(0, 6))
def test_every_number_can_be_rounded_up(value: float, decimals: int) -> None:
    assert up_to(value, decimals) >= value


def test_a_number_that_has_few_digits_is_not_moved_by_its_binary_ones() -> None:
    assert (up(0.001 + 0.002, 2), up(0.07, 2), up_to(0.0035, 4)) == (0.003, 0.07, 0.0035)


@given(FLOATS)
def test_rounding_up_is_near_and_never_below(value: float) -> None:
    assert value <= up(value, 4) <= value + abs(value) / 999
    assert rounded({"upper": value})["upper"] == up(value)
    assert rounded({"lower": value})["lower"] == -up(-value)

"""The way back through scalers, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from aimass.formats.converters._sklearn_scalers import Step, greatest, scaled, stands_for

PRICES = np.arange(-300, 300) / 100
STEPS: list[list[Step]] = [
    [],
    [("Sub", 0.0134), ("Div", 1.0054)],
    [("Mul", 0.37), ("Add", 50.3), ("Sub", 50.1), ("Div", 3e-5)],
]


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("steps", STEPS)
def test_a_scaled_number_is_the_last_that_a_threshold_of_it_lets_through(steps: list[Step], single: bool) -> None:
    thresholds = scaled(PRICES, steps, single=single)
    last = greatest(thresholds, steps, single=single)
    assert (last >= PRICES).all()
    assert (scaled(last, steps, single=single) == thresholds).all()
    assert (scaled(np.nextafter(last, np.inf), steps, single=single) > thresholds).all()


def test_with_strict_it_is_the_last_below() -> None:
    assert greatest(np.array([0.5, 0.0]), [], strict=True).tolist() == [np.nextafter(0.5, 0), -5e-324]


def test_clipped_numbers_let_all_or_none_through() -> None:
    clipped: list[Step] = [("Max", 0.0), ("Min", 1.0)]
    largest = np.finfo(np.float64).max
    assert greatest(np.array([1.0, -0.5]), clipped).tolist() == [largest, -np.inf]


def test_a_float_stands_for_the_double_of_the_fewest_digits() -> None:
    assert stands_for(PRICES.astype(np.float32)).tolist() == PRICES.tolist()

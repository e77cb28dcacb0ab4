from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aimass.compression.report.axis import Axis, around, label, losses


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=20))
def test_all_values_lie_within_and_in_order(values: list[float]) -> None:
    axis = around(values, 50, 550)
    places = [axis.at(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(50 <= place <= 550 for place in places)


@given(st.floats(-100, 100), st.floats(1e-6, 100))
def test_ticks_are_few_and_within(least: float, room: float) -> None:
    assume(least + room > least)
    axis = Axis(least, least + room, 0, 100)
    ticks = axis.ticks(7)
    assert 2 <= len(ticks) <= 8
    assert all(least - 1e-9 <= tick <= least + room + 1e-9 for tick in ticks)


def test_what_differs_by_times_is_logarithmic() -> None:
    axis = around([1.0, 10.0], 0, 100)
    assert axis.ticks() == [1, 2, 5, 10]
    assert axis.at(3.1623) == pytest.approx(50, abs=0.1)
    assert not around([8.0, 10.0], 0, 100).log


def test_a_scale_of_losses_shows_zero_and_the_budget_and_is_not_stretched_by_what_lost_everything() -> None:
    low, high = losses([(0.1, 0.3), (70.0, 80.0)], 0.5)
    assert low < 0
    assert 0.65 < high < 2.5


def test_labels_are_short() -> None:
    assert [label(value) for value in (0.1 + 0.2, -0.4, 20.0)] == ["0.3", "\u22120.4", "20"]

from __future__ import annotations

import pytest

from aimass.compression.wording import gain, loss, percent, size, speed


@pytest.mark.parametrize(
    ("smaller", "told"),
    [
        (5.126, "5.13 times smaller"),
        (1.996, "2 times smaller"),
        (1234.4, "1,234 times smaller"),
        (1.3, "23 % smaller"),
        (1.002, "0.2 % smaller"),
        (1.0, "the same size"),
        (1 / 1.013, "1.3 % larger"),
        (0.25, "4 times larger"),
    ],
)
def test_a_ratio_of_sizes_is_told_in_times_from_two_on_and_in_percent_below(smaller: float, told: str) -> None:
    assert size(smaller) == told


@pytest.mark.parametrize(
    ("faster", "told"),
    [
        (2.5, "2.5 times faster"),
        (1.9, "90 % faster"),
        (1.004, "as fast"),
        (0.996, "as fast"),
        (0.93, "7 % slower"),
        (0.4, "2.5 times slower"),
    ],
)
def test_a_ratio_of_speeds_is_told_in_times_from_two_on_and_in_percent_below(faster: float, told: str) -> None:
    assert speed(faster) == told


def test_what_is_gained_leaves_out_a_speed_that_is_not_known() -> None:
    assert gain(4.0, 1.0) == "4 times smaller, as fast"
    assert gain(4.0, None) == "4 times smaller"


def test_a_loss_has_the_words_of_its_metric_and_no_minus_before_zero() -> None:
    told = [loss("accuracy", -0.0), loss("agreement", 0.01), loss("divergence", 0.0200123), loss("f1", -0.002)]
    assert told == ["accuracy lost 0", "disagreement 0.01", "divergence 0.02001", "f1 lost -0.002"]


def test_percent_has_the_digits_of_a_shared_confidence() -> None:
    assert [percent(0.95), percent(0.9875), percent(1 - 0.05 / 3)] == ["95 %", "98.75 %", "98.33 %"]

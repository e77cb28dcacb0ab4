import pytest

from benchmarks.compression.goals import GOALS, Figures, Goal

REACHED = Figures(smaller=5.2, stored=6.0, faster=3.6, lost=0.004, equal=False)


def test_a_goal_that_is_reached_lacks_nothing():
    assert GOALS["image CNN"][0].lacks(REACHED) == []


def test_what_is_lacking_is_told_with_both_numbers():
    assert GOALS["image CNN"][1].lacks(REACHED) == ["5.20 of 7 times smaller", "3.60 of 5 times faster"]


def test_a_gain_is_no_loss():
    assert Goal(lost=0.005).lacks(Figures(1, 1, 1, -0.02, None)) == []


def test_points_above_the_limit_are_told_in_points():
    assert Goal(lost=0.005).lacks(Figures(1, 1, 1, 0.0061, None)) == ["0.61 points lost, 0.5 allowed"]


@pytest.mark.parametrize("equal", [False, None])
def test_bit_equality_wants_to_be_known(equal):
    assert Goal(equal=True).lacks(Figures(1, 1, 1, 0, equal)) == ["answers differ"]


def test_trees_that_are_slower_by_what_measurements_differ_are_not_slower():
    goal = GOALS["tree ensemble"][0]
    assert goal.lacks(Figures(1.3, 8, 0.98, 0, True)) == []
    assert goal.lacks(Figures(1.3, 8, 0.9, 0, True)) == ["0.90 of 0.97 times faster"]
    assert "never slower" in str(goal)

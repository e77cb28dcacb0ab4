"""How much is lost at most, beside simulations and other people's formulas."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from aimass.compression.statistics import (
    disagreement,
    mean_at_most,
    resampled_loss,
    rows_for_agreement,
    rows_for_share,
    shares_loss,
)

COUNTS = st.integers(1, 3_000).flatmap(
    lambda rows: st.tuples(st.integers(0, rows), st.just(rows)).flatmap(
        lambda pair: st.tuples(st.just(pair[0]), st.integers(0, pair[1] - pair[0]), st.just(pair[1]))
    )
)


def test_the_paired_score_interval_is_where_the_likelihood_says() -> None:
    """Tango 1998, table of crossover data: 9 of 50 pairs lost, 1 won: 95 % two-sided 0.027 to 0.3."""
    loss = shares_loss(12, 2, 100, confidence=0.975)
    assert loss.estimate == pytest.approx(0.10)
    by_hand = _tango(12, 2, 100, 1.959964)
    assert (loss.lower, loss.upper) == pytest.approx(by_hand, abs=1e-6)


def _tango(lost: int, won: int, rows: int, z: float) -> tuple[float, float]:
    """A grid instead of bisection, and the constrained maximum of the likelihood found numerically."""

    def score(delta: float) -> float:
        shares = np.linspace(max(0.0, -delta) + 1e-12, (1 - abs(delta)) / 2 + max(0.0, -delta) - 1e-12, 40_001)
        rest = np.maximum(1 - 2 * shares - delta, 1e-300)
        likelihood = lost * np.log(shares + delta) + won * np.log(shares) + (rows - lost - won) * np.log(rest)
        share = shares[int(np.argmax(likelihood))]
        return (lost - won - rows * delta) / math.sqrt(rows * (2 * share + delta * (1 - delta)))

    grid = np.linspace(-0.2, 0.4, 601)
    inside = [delta for delta in grid if abs(score(delta)) <= z]
    ends = []
    for outer, inner in ((inside[0] - 0.001, inside[0]), (inside[-1] + 0.001, inside[-1])):
        for _ in range(40):
            middle = (outer + inner) / 2
            outer, inner = (outer, middle) if abs(score(middle)) <= z else (middle, inner)
        ends.append(inner)
    return ends[0], ends[1]


@given(COUNTS, st.sampled_from([0.9, 0.95, 0.99]))
def test_the_bound_lies_beyond_the_estimate_and_within_a_share(counts: tuple[int, int, int], level: float) -> None:
    loss = shares_loss(*counts, level)
    assert -1 <= loss.lower <= loss.estimate <= loss.upper <= 1


@given(COUNTS)
def test_what_is_lost_is_won_the_other_way_round(counts: tuple[int, int, int]) -> None:
    lost, won, rows = counts
    one, other = shares_loss(lost, won, rows), shares_loss(won, lost, rows)
    assert (one.upper, one.lower) == pytest.approx((-other.lower, -other.upper))


@pytest.mark.parametrize("rows", [100, 1_000, 10_000])
def test_nothing_lost_still_leaves_a_bound(rows: int) -> None:
    assert shares_loss(0, 0, rows).upper == pytest.approx(1 - 0.05 ** (1 / rows))
    assert shares_loss(0, 0, rows, 0.9875).upper == pytest.approx(5.0239 / (rows + 5.0239), rel=1e-3)


@pytest.mark.parametrize(("rows", "loss"), [(268, 0.01), (299, 0.01), (500, 0.01), (1_000, 0.005)])
def test_where_none_is_won_the_bound_keeps_its_level_exactly(rows: int, loss: float) -> None:
    kept = [shares_loss(lost, 0, rows).upper < loss for lost in range(rows)]
    assert binom.pmf(np.flatnonzero(kept), rows, loss).sum() <= 0.05


@pytest.mark.parametrize(
    ("rows", "share", "each", "rest"),
    [(100, 0.04, 0.5, 0.003), (300, 0.013, 1.0, 0.003), (1_000, 0.012, 0.8, 0.003), (300, 0.013, 1.0, -0.003)],
)
def test_the_bound_of_a_mean_is_exceeded_in_one_of_twenty_samples_at_most(
    rows: int, share: float, each: float, rest: float
) -> None:
    """Rare rows lose much: where a sample has none of them, no resample of it has either."""
    generator, truth = np.random.default_rng(7), share * each + (1 - share) * rest
    samples = [np.where(generator.random(rows) < share, each, rest) for _ in range(600)]
    assert np.mean([mean_at_most(one) < truth for one in samples]) < 0.07


def test_the_bound_of_a_mean_is_near_it_and_a_row_counts_once_at_most() -> None:
    assert mean_at_most(np.zeros(300)) == disagreement(0, 300).upper
    assert mean_at_most(np.full(300, -0.5)) == disagreement(0, 300).upper
    assert 0.01 + 3 / 1_000 < mean_at_most(np.full(1_000, 0.01)) < 0.01 + 3.3 / 1_000
    far = np.r_[np.zeros(999), 1]
    assert mean_at_most(far * 50) == mean_at_most(far)
    assert mean_at_most(np.ones(50)) == 1


def test_the_bound_is_exceeded_in_one_of_twenty_samples_at_most_of_a_true_loss() -> None:
    generator, rows, lost, won = np.random.default_rng(5), 1_000, 0.012, 0.004
    draws = generator.multinomial(rows, [lost, won, 1 - lost - won], size=1_000)
    below = np.mean([shares_loss(int(a), int(b), rows).upper < lost - won for a, b, _ in draws])
    assert below < 0.07


@given(st.integers(1, 5_000).flatmap(lambda rows: st.tuples(st.integers(0, min(rows, 400)), st.just(rows))))
def test_disagreement_is_the_exact_binomial_bound(counts: tuple[int, int]) -> None:
    differ, rows = counts
    loss = disagreement(differ, rows)
    upper = 1.0 if differ == rows else beta.ppf(0.95, differ + 1, rows - differ)
    lower = 0.0 if differ == 0 else beta.ppf(0.05, differ, rows - differ + 1)
    assert (loss.upper, loss.lower) == pytest.approx((upper, lower), abs=1e-7)


def test_the_rows_needed_are_just_enough() -> None:
    for budget in (0.002, 0.005, 0.01, 0.05):
        rows = rows_for_share(budget)
        assert shares_loss(0, 0, rows).upper <= budget < shares_loss(0, 0, rows - 2).upper
        rows = rows_for_agreement(budget)
        assert disagreement(0, rows).upper <= budget * (1 + 1e-9) < disagreement(0, rows - 1).upper


def test_more_rows_are_needed_where_rows_differ() -> None:
    rows = rows_for_share(0.005, 0.01)
    assert rows == pytest.approx(1_082, abs=2)
    assert shares_loss(round(rows * 0.005), round(rows * 0.005), rows).upper == pytest.approx(0.005, rel=0.1)


def test_resampling_bounds_a_loss_that_is_no_share_and_is_the_same_each_time() -> None:
    generator = np.random.default_rng(1)
    truth = generator.normal(0, 1, 400)
    before = truth + generator.normal(0, 0.3, 400)
    after = before + generator.normal(0, 0.3, 400)

    def loss(rows: np.ndarray) -> float:
        return float(np.corrcoef(truth[rows], before[rows])[0, 1] - np.corrcoef(truth[rows], after[rows])[0, 1])

    one, again = resampled_loss(loss, 400), resampled_loss(loss, 400)
    assert one == again
    assert one.estimate == loss(np.arange(400))
    assert one.lower < one.estimate < one.upper < 0.1


def test_a_measure_that_is_never_known_promises_nothing() -> None:
    assert resampled_loss(lambda rows: math.nan, 20).upper == math.inf


@pytest.mark.parametrize(
    "call", [lambda: shares_loss(0, 0, 0), lambda: shares_loss(3, 3, 5), lambda: disagreement(2, 1)]
)
def test_counts_that_cannot_be_are_refused(call) -> None:
    with pytest.raises(ValueError, match="rows"):
        call()

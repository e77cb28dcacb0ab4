from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.compression.choose import (
    Candidate,
    Limit,
    confidence_each,
    expected,
    finalists,
    front,
    ordered,
    over,
    proof,
    unproven,
    useless,
    worth_repair,
)
from aimass.compression.statistics import Loss, shares_loss

LIMIT = Limit("accuracy", 0.01, rows=4_000)


def candidate(name: str, smaller: float, faster: float | None, lost: int = 0, rows: int = 2_000) -> Candidate:
    return Candidate(name, smaller, faster, shares_loss(lost, 0, rows))


@pytest.mark.parametrize(
    ("smaller", "faster", "reason"),
    [
        (3.9, 0.4, "It is 2.5 times slower."),
        (0.8, 3.0, "It is not smaller: 25 % larger."),
        (1.1, 1.02, "It gains too little: 9.1 % smaller, 2 % faster."),
        (1.1, None, "It gains too little: 9.1 % smaller."),
    ],
)
def test_what_is_not_worth_having_is_refused_with_figures(smaller: float, faster: float | None, reason: str) -> None:
    assert useless(candidate("x", smaller, faster), "size") == reason


def test_half_the_size_at_the_same_speed_is_worth_having_unless_latency_is_what_counts() -> None:
    half = candidate("fp16-weights", 2.0, 0.99)

    assert not useless(half, "size")
    assert not useless(half, "balanced")
    assert useless(half, "latency").startswith("It gains too little")


def test_answers_that_are_not_finite_are_refused() -> None:
    assert "not finite" in useless(Candidate("x", 4, 4, shares_loss(0, 0, 10), finite=False), "size")


def test_a_loss_over_the_budget_on_choosing_rows_is_said_with_both_numbers() -> None:
    assert over(candidate("x", 4, 4, lost=40), LIMIT) == (
        "It is over the budget on 2000 choosing rows: accuracy lost 0.02, allowed are 0.01."
    )
    assert not over(candidate("x", 4, 4, lost=20), LIMIT)


def test_a_shared_confidence_says_what_it_is_over_all_that_were_asked() -> None:
    loss = Loss(-0.002, 0.0042, -0.01, confidence_each(4), 500)
    assert proof(loss, LIMIT, 4) == (
        "accuracy lost -0.002, at most 0.0042 with 98.75 % confidence (95 % over the 4 that were asked), "
        "allowed are 0.01"
    )
    assert proof(replace(loss, confidence=0.95), LIMIT, 1) == (
        "accuracy lost -0.002, at most 0.0042 with 95 % confidence, allowed are 0.01"
    )


@pytest.mark.parametrize(
    ("metric", "near"),
    [("accuracy", 0), ("agreement", 0), ("divergence", 0), ("f1", 1), ("auc", 1), ("r2", 1)],
)
def test_the_proof_is_called_approximate_where_its_bound_is(metric: str, near: int) -> None:
    loss = Loss(0.001, 0.0042, -0.01, confidence_each(2), 500)
    told = proof(loss, Limit(metric, 0.01, 500), 2)
    assert told.count("97.5 % confidence (95 % over the 2 that were asked; approximate)") == near
    assert told.count("approximate") == near


def test_a_bound_in_words_is_rounded_up_and_stays_on_its_side_of_the_budget() -> None:
    over_it = Loss(0.001, 0.010001, -0.01, 0.95, 500)
    assert "at most 0.0101 with" in unproven(over_it, LIMIT, 1)
    odd = replace(LIMIT, most=0.012345)
    assert "at most 0.012345 with" in proof(replace(over_it, upper=0.01234), odd, 1)
    assert unproven(replace(over_it, upper=0.01234), odd, 1) == ""


def test_the_objective_orders_and_the_other_gain_counts_a_little() -> None:
    small, fast, both = candidate("small", 6, 1), candidate("fast", 2, 5), candidate("both", 4, 4)
    as_small_but_faster = candidate("faster", 5.99, 2)

    assert [one.name for one in ordered([small, fast, both, as_small_but_faster], "size")][:2] == ["faster", "small"]
    assert ordered([small, fast, both], "latency")[0] is fast
    assert ordered([small, fast, both], "balanced")[0] is both


def test_four_are_asked_and_one_of_them_is_the_safest() -> None:
    risky = [candidate(f"risky{at}", 8 - at, 4, lost=12) for at in range(6)]
    safe = candidate("safe", 2, 1, lost=0)

    asked = finalists([*risky, safe], LIMIT, "size")

    assert [one.name for one in asked] == ["risky0", "risky1", "risky2", "safe"]


def test_one_that_is_not_expected_to_pass_takes_no_place_from_one_that_is() -> None:
    near = [candidate(f"near{at}", 8 - at, 4, lost=19) for at in range(4)]
    sound = [candidate(f"sound{at}", 3 - at / 10, 2, lost=2) for at in range(4)]

    assert [one.name for one in finalists([*near, *sound], LIMIT, "size")] == ["sound0", "sound1", "sound2", "sound3"]


def test_what_is_over_or_useless_is_never_asked() -> None:
    assert not finalists([candidate("over", 4, 4, lost=30), candidate("slow", 4, 0.3)], LIMIT, "size")


def test_repair_is_for_those_ahead_of_the_best_that_is_expected_to_pass() -> None:
    best, over_it, behind = (
        candidate("best", 4, 3),
        candidate("ahead", 7, 4, lost=60),
        candidate("behind", 3, 2, lost=60),
    )

    assert worth_repair([best, over_it, behind], LIMIT, "size") == ["ahead"]
    assert not worth_repair([best, behind], LIMIT, "size")


def test_what_keeps_the_budget_without_a_margin_is_repaired_too() -> None:
    near = candidate("near", 7, 4, lost=4)

    bounds = [expected(near.loss, LIMIT.rows, LIMIT.finalists, spare) for spare in (0.0, 5.0)]
    limit = replace(LIMIT, most=bounds[0] + 1e-6)

    assert bounds[0] < bounds[1]
    assert worth_repair([near, candidate("best", 4, 3)], limit, "size") == ["near"]


def test_what_is_far_beyond_the_budget_is_repaired_after_what_is_nearer() -> None:
    far = [candidate("farthest", 9, 4, lost=90), candidate("far", 8, 4, lost=70)]
    near = [candidate("nearer", 6, 3, lost=40), candidate("nearest", 5, 3, lost=30)]

    assert worth_repair([*far, *near], LIMIT, "size") == ["nearer", "nearest"]
    assert worth_repair([*far, near[0]], LIMIT, "size") == ["nearer", "farthest"]


def test_what_is_slower_is_not_repaired() -> None:
    assert not worth_repair([candidate("slow", 4, 0.3, lost=60)], LIMIT, "size")


def test_confidence_is_shared() -> None:
    assert confidence_each(4) == pytest.approx(0.9875)
    assert confidence_each(1) == pytest.approx(0.95)


@given(lost=st.integers(0, 30), share=st.integers(1, 4))
def test_the_expected_bound_is_near_that_of_so_many_rows(lost: int, share: int) -> None:
    seen = shares_loss(lost, lost // 2, 2_000)
    more = shares_loss(2 * lost, 2 * (lost // 2), 4_000, confidence_each(share))

    assert expected(seen, 4_000, share) == pytest.approx(more.upper, abs=0.0025)


def test_a_bound_that_cannot_be_told_is_infinite() -> None:
    assert expected(Loss(math.inf, math.inf, -math.inf, 0.95, 100), 1_000) == math.inf
    assert expected(shares_loss(0, 0, 100), 0) == math.inf


def test_the_front_holds_what_no_other_beats() -> None:
    small, fast = candidate("small", 6, 1), candidate("fast", 2, 5)
    worse, exact = candidate("worse", 2, 1, lost=5), candidate("exact", 1.5, 1)

    assert front([candidate("small", 6, 1, lost=4), candidate("fast", 2, 5, lost=4), worse, exact]) == [
        "exact",
        "fast",
        "small",
    ]
    assert front([small, fast, exact]) == ["fast", "small"]

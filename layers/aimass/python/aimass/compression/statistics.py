"""How much worse one model may be than another, from the same rows answered by both (ADR 61)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

RESAMPLES = 2_000
_SEED = 20_061
_HALVINGS = 60  # of an interval between 0 and 1


@dataclass(frozen=True)
class Loss:
    """What is lost by the estimate, and at most, with this one-sided confidence. Below 0: it is a gain."""

    estimate: float
    upper: float
    lower: float
    confidence: float
    rows: int


def shares_loss(lost: int, won: int, rows: int, confidence: float = 0.95) -> Loss:
    """A share of rows: `lost` only the original has right, `won` only the candidate. Raises ValueError for no rows.

    Tango's score interval (Statistics in Medicine 17, 1998): it keeps its level where hardly any row differs. Where
    rows were lost and none was won, it is the exact bound of their share if that is larger, and the other way round.
    """
    if rows < 1 or not 0 <= lost + won <= rows:
        raise ValueError(f"{lost} lost and {won} won of {rows} rows")
    upper = _difference_at_most(lost, won, rows, confidence)
    lower = -_difference_at_most(won, lost, rows, confidence)
    return Loss((lost - won) / rows, upper, lower, confidence, rows)


def disagreement(differ: int, rows: int, confidence: float = 0.95) -> Loss:
    """The share of rows that are answered otherwise: Clopper and Pearson's bound. Raises ValueError for no rows."""
    if rows < 1 or not 0 <= differ <= rows:
        raise ValueError(f"{differ} of {rows} rows")
    upper = _share_at_most(differ, rows, confidence)
    lower = 0.0 if differ == 0 else _root(lambda p: _at_most(differ - 1, rows, p) - confidence)
    return Loss(differ / rows, upper, lower, confidence, rows)


def resampled_loss(measure: Callable[[Array], float], rows: int, confidence: float = 0.95) -> Loss:
    """Any other measure of a loss: `measure` is given row numbers. The paired bootstrap, the same each time.

    A resample that can't be measured (AUC of rows of one class) doesn't count. Raises ValueError for no rows.
    """
    if rows < 1:
        raise ValueError("no rows")
    generator = np.random.default_rng(_SEED)
    values = np.array([measure(generator.integers(0, rows, rows)) for _ in range(RESAMPLES)])
    known = values[np.isfinite(values)]
    estimate = float(measure(np.arange(rows)))
    if not known.size or not math.isfinite(estimate):
        return Loss(estimate, math.inf, -math.inf, confidence, rows)
    lower, upper = np.quantile(known, [1 - confidence, confidence], method="closest_observation")
    return Loss(estimate, float(max(upper, estimate)), float(min(lower, estimate)), confidence, rows)


def mean_at_most(values: Array, confidence: float = 0.95) -> float:
    """The bound of the mean of what rows lose: between -1 and 1 each, what is beyond counts as these. 0 at least.

    By betting (Waudby-Smith and Ramdas, 2024): it holds for any distribution and number of rows, and takes into account
    that a rare row may lose all though none of these did. Where none loses, the exact bound of the share that may.
    """
    values = np.clip(values, -1, 1)
    rows, wanted = len(values), -math.log(1 - confidence)
    if not (values > 0).any():
        return _share_at_most(0, rows, confidence)
    values = values[np.random.default_rng(_SEED).permutation(rows)]
    count = np.arange(2, rows + 2)
    means = (0.5 + np.cumsum(values)) / count
    variances = (0.25 + np.cumsum((values - means) ** 2)) / count
    bets = np.minimum(1, np.sqrt(2 * wanted / (rows * np.r_[0.25, variances[:-1]])))

    def missing(mean: float) -> float:
        with np.errstate(divide="ignore"):
            return float(wanted - np.cumsum(np.log1p(-bets * (values - mean))).max())

    return _root(missing)


def rows_unseen(confidence: float = 0.95) -> float:
    """How many rows may be expected of a kind that rows at hand show none of."""
    return -math.log(1 - confidence)


def rows_for_share(budget: float, differing: float = 0.0, confidence: float = 0.95) -> int:
    """Rows by which a loss of `budget` can be ruled out where the share `differing` changes, as many won as lost."""
    z = _z(confidence)
    least = max(z * z * (1 - budget) / budget, rows_for_agreement(budget, confidence))
    return math.ceil(max(least, z * z * differing / (budget * budget)))


def rows_for_agreement(budget: float, confidence: float = 0.95) -> int:
    """Rows of which none may differ, that a disagreement of `budget` is ruled out."""
    return math.ceil(math.log(1 - confidence) / math.log1p(-budget))


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(confidence)


def _difference_at_most(lost: int, won: int, rows: int, confidence: float) -> float:
    found = _greatest_difference(lost, won, rows, _z(confidence))
    return found if won else max(found, _share_at_most(lost, rows, confidence))


def _share_at_most(differ: int, rows: int, confidence: float) -> float:
    if not differ:
        return float(-math.expm1(math.log1p(-confidence) / rows))
    return 1.0 if differ == rows else _root(lambda p: _at_most(differ, rows, p) - (1 - confidence))


def _greatest_difference(lost: int, won: int, rows: int, z: float) -> float:
    """The greatest difference that the score test doesn't reject."""
    estimate = (lost - won) / rows
    if estimate >= 1:
        return 1.0
    return _root(lambda delta: _score(lost, won, rows, delta) + z, low=estimate)


def _score(lost: int, won: int, rows: int, delta: float) -> float:
    """The score statistic of the hypothesis that the difference is `delta`."""
    linear = (2 * rows - lost + won) * delta - lost - won
    constant = -won * delta * (1 - delta)
    share = (math.sqrt(linear * linear - 8 * rows * constant) - linear) / (4 * rows)
    variance = rows * (2 * share + delta * (1 - delta))
    distance = lost - won - rows * delta
    return distance / math.sqrt(variance) if variance > 0 else -math.copysign(math.inf, -distance or -1.0)


def _at_most(count: int, rows: int, share: float) -> float:
    """The probability of at most `count` of `rows`, each with the probability `share`."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return 0.0 if count < rows else 1.0
    terms = np.arange(count + 1)
    logs = np.array([math.lgamma(rows + 1) - math.lgamma(k + 1) - math.lgamma(rows - k + 1) for k in range(count + 1)])
    return float(np.exp(logs + terms * math.log(share) + (rows - terms) * math.log1p(-share)).sum())


def _root(falling: Callable[[float], float], low: float = 0.0, high: float = 1.0) -> float:
    """Where a falling function of `low` to `high` crosses 0, from above."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return high

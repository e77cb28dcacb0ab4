"""Numbers made up in double precision, which single precision rounds where the model decides."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from aimass.formats.converter import Wanted
from aimass.sandbox.tasks.made_up import Batch, MadeUp
from aimass.sandbox.tasks.made_up_values import by_column
from aimass.sandbox.tasks.rounding import unrounded

COLLIDING = "values at which the model decides, and that single precision has as one"
BETWEEN = "values between those at which the model decides, in double precision"
_MOST_COLLIDING = 64  # of a column
_NOISE = 1e-12  # of a value: what sums in another order are apart
_SEED = 5


def finer(made: MadeUp, wanted: Sequence[Wanted], inputs: Sequence[Any], rows: int, size: int) -> Iterator[Batch]:
    """What lies closer than single precision tells apart; and, as a test of what rounding does elsewhere, what lies
    anywhere between, which decides nothing: whoever sends whole numbers, say, may never send such.
    """
    random = np.random.default_rng(_SEED)
    columns = [(one.name, column, _gaps(values)) for one in wanted for column, values in _deciding(one)]
    meeting = [(name, column, value) for name, column, gaps in columns for value in _colliding(gaps)]
    yield from _batches(made, COLLIDING, meeting, inputs, rows, size)
    within = [(name, column, gaps) for name, column, gaps in columns if len(gaps)]
    if within:
        drawn = [within[index] for index in random.integers(0, len(within), rows)]
        between = [(name, column, _drawn(gaps, random)) for name, column, gaps in drawn]
        yield from _batches(made, BETWEEN, between, inputs, rows, size)


def _deciding(one: Wanted) -> Iterator[tuple[int, Sequence[float]]]:
    return ((column, values) for column, values in one.near.items() if one.dtype == "float32" and one.shape)


def _gaps(values: Sequence[float]) -> list[tuple[float, float]]:
    """Neighbours among the values, without those that only noise tells apart."""
    ordered = sorted({float(value) for value in values if math.isfinite(value)})
    return [(low, high) for low, high in itertools.pairwise(ordered) if high - low > _NOISE * max(abs(low), abs(high))]


def _colliding(gaps: Sequence[tuple[float, float]]) -> list[float]:
    """On both sides of and between neighbours that are one number in single precision."""
    with np.errstate(over="ignore"):
        pairs = [(low, high) for low, high in gaps if np.float32(low) == np.float32(high)]
    found = [value for low, high in pairs for value in _around(low, high)]
    return found[:: max(1, math.ceil(len(found) / _MOST_COLLIDING))]


def _around(low: float, high: float) -> tuple[float, ...]:
    half = (high - low) / 2
    return (low - half, low + half, high + half)


def _drawn(gaps: Sequence[tuple[float, float]], random: np.random.Generator) -> float:
    low, high = gaps[int(random.integers(len(gaps)))]
    share = float(random.random())
    return low * (1 - share) + high * share


def _batches(
    made: MadeUp, kind: str, values: Sequence[tuple[str, int, float]], inputs: Sequence[Any], rows: int, size: int
) -> Iterator[Batch]:
    """Rows of random values with one in one column each."""
    step = rows if made.batched else 1
    for start in range(0, len(values), step):
        part = values[start : start + step]
        batch = made.random(len(part), size)
        feed = {
            name: value.astype(np.float64) if value.dtype == np.float32 else value for name, value in batch.feed.items()
        }
        for row, (name, column, value) in enumerate(part):
            by_column(feed[name])[row % len(feed[name]), column] = value
        yield unrounded(kind, feed, inputs, batch.rows, plausible=kind == COLLIDING)

"""Scales of the pictures: where a value lies, and which values are marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = (1, 2, 2.5, 5, 10)
_LOG_FROM = 5.0  # times between least and most, from which a logarithmic scale reads better


@dataclass(frozen=True)
class Axis:
    """From values to pixels. `start` is where `least` lies; it may be the greater pixel."""

    least: float
    most: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Values outside lie at the ends."""
        low, high, held = (self._place(one) for one in (self.least, self.most, min(max(value, self.least), self.most)))
        return round(self.start + (held - low) / (high - low) * (self.end - self.start), 1)

    def ticks(self, most: int = 7) -> list[float]:
        return _of_log(self.least, self.most) if self.log else _even(self.least, self.most, most)

    def _place(self, value: float) -> float:
        return math.log(value) if self.log else value


def around(values: Sequence[float], start: float, end: float) -> Axis:
    """For amounts above 0: logarithmic where they differ by times, with a little room at both ends."""
    least, most = min(values), max(values)
    if least > 0 and most / least >= _LOG_FROM:
        return Axis(least / 1.25, most * 1.25, start, end, log=True)
    room = (most - least) * 0.12 or abs(most) * 0.2 or 1.0
    return Axis(least - room, most + room, start, end)


def losses(bounds: Sequence[tuple[float, float]], budget: float) -> tuple[float, float]:
    """What a scale of losses shows: 0, the budget and all bounds, as far as they are near it.

    A candidate that lost everything would leave no room for those that lost little.
    """
    near = 4 * budget
    low = min([0.0, *(max(lower, -near) for lower, _ in bounds)])
    high = max([1.3 * budget, *(min(upper, near) for _, upper in bounds)])
    room = (high - low) * 0.06
    return low - room, high + room


def label(value: float) -> str:
    return f"{value:.6g}".replace("-", "\N{MINUS SIGN}")


def _even(least: float, most: float, count: int) -> list[float]:
    rough = (most - least) / count
    unit = 10 ** math.floor(math.log10(rough))
    step = next(unit * step for step in _STEPS if unit * step >= rough * 0.999)
    first, last = math.ceil(least / step), math.floor(most / step)
    return [round(at * step, 12) for at in range(first, last + 1)]


def _of_log(least: float, most: float) -> list[float]:
    powers = range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)
    fine = most / least < 300
    found = [step * 10.0**power for power in powers for step in ((1, 2, 5) if fine else (1,))]
    return [value for value in found if least <= value <= most]

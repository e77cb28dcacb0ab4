"""Which units of a candidate cost most, and the fewest of them that must stay as they were to keep a limit.

A unit's cost is what the candidate gains when that unit alone is spared. Where there are more units than applications
that may be spent, neighbours are ranked together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from aimass.compression.contract import Applied, NotApplicable, Options, Pass, Unit, Work

Measure = Callable[[Path], float]  # of the candidate's file; less is better
Progress = Callable[[int, int, str], None]  # applications done, at most, what was tried


@dataclass(frozen=True)
class Ranked:
    """Units that are spared together, what the candidate then measures, and their share of the model's bytes."""

    units: tuple[str, ...]
    measured: float
    weight: float


@dataclass(frozen=True)
class Restored:
    """`options` with what is spared; the candidate lies in `Work.target`, unless `measured` is above the limit."""

    options: Options
    applied: Applied
    spared: tuple[str, ...]
    measured: float
    applications: int


class Search:
    """Applications of one pass to one model, counted. `most` bounds them; the same gives the same."""

    def __init__(
        self, one: Pass, work: Work, options: Options, most: int = 48, progress: Progress | None = None
    ) -> None:
        self._pass, self._work, self._options, self._progress = one, work, options, progress
        self._given = tuple(options.get("spare", ()))
        self.most, self.done = most, 0

    @property
    def target(self) -> Path:
        """Where the latest application lies."""
        return self._work.target

    def apply(self, spared: Sequence[str]) -> tuple[Applied, Options]:
        """Raises NotApplicable where the pass has nothing left to do, or as many applications were made as may be."""
        if self.done >= self.most:
            raise NotApplicable(f"{self.most} applications were not enough")
        self.done += 1
        options = {**self._options, "spare": [*self._given, *spared]}
        applied = self._pass.apply(self._work, options)
        if self._progress:
            self._progress(self.done, self.most, ", ".join(spared) or "nothing spared")
        return applied, options

    def rank(self, units: Sequence[Unit], measure: Measure) -> list[Ranked]:
        """The costliest first; of equal cost, the lightest. Leaves what the bisection needs of the applications."""
        groups = _groups(units, _rankable(self.most - self.done))
        found = []
        for group in groups:
            names = tuple(unit.name for unit in group)
            try:
                self.apply(names)
                measured = measure(self._work.target)
            except NotApplicable:
                measured = float("inf")
            found.append(Ranked(names, measured, sum(unit.weight for unit in group)))
        return sorted(found, key=lambda one: (one.measured, one.weight, one.units))

    def restore(self, ranked: Sequence[Ranked], measure: Measure, limit: float) -> Restored:
        """Spares the fewest of the costliest that bring `measure` to `limit` at most: doubles them, then bisects.

        Raises NotApplicable where only sparing everything would do, which is no candidate any more.
        """
        low, high = 1, 1
        # From few to many: sparing more does not always help, and few is what is wanted.
        while high < len(ranked) and not self._keeps(ranked[:high], measure, limit):
            low, high = high + 1, min(2 * high, len(ranked))
        while low < high:
            middle = (low + high) // 2
            high, low = (middle, low) if self._keeps(ranked[:middle], measure, limit) else (high, middle + 1)
        spared = _names(ranked[:low])
        applied, options = self.apply(spared)
        return Restored(options, applied, spared, measure(self._work.target), self.done)

    def _keeps(self, ranked: Sequence[Ranked], measure: Measure, limit: float) -> bool:
        self.apply(_names(ranked))
        return measure(self._work.target) <= limit


def _names(ranked: Sequence[Ranked]) -> tuple[str, ...]:
    return tuple(name for one in ranked for name in one.units)


def _rankable(applications: int) -> int:
    """Into how many groups units are put at most, so that the bisection among them can be paid for too."""
    return max(
        (count for count in range(1, applications) if count + 2 * count.bit_length() + 1 <= applications), default=1
    )


def _groups(units: Sequence[Unit], most: int) -> list[Sequence[Unit]]:
    size = max(1, ceil(len(units) / most))
    return [units[at : at + size] for at in range(0, len(units), size)]

"""What compression is to reach beside the tools' defaults, and what a variant lacks of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.compression.catalogue import Kind

#: Two measurements of one model differ by as much (ADR 65).
_EQUALLY_FAST = 0.97


@dataclass(frozen=True)
class Figures:
    """Of a variant: how many times smaller its file is, and its packed file than the original's file; how many times
    faster; the share of right answers, or AUC, that it loses on test rows; whether it answers bit for bit as before.
    """

    smaller: float
    stored: float
    faster: float
    lost: float
    equal: bool | None


@dataclass(frozen=True)
class Goal:
    """The least `smaller`, `stored` and `faster`, the most that may be lost; None where nothing is asked."""

    smaller: float | None = None
    stored: float | None = None
    faster: float | None = None
    lost: float | None = None
    equal: bool = False

    def lacks(self, one: Figures) -> list[str]:
        """In words; nothing where it is reached."""
        return list(self._lacks(one))

    def _lacks(self, one: Figures) -> Iterator[str]:
        if self.equal and not one.equal:
            yield "answers differ"
        for name, least, found in (
            ("smaller", self.smaller, one.smaller),
            ("smaller as stored", self.stored, one.stored),
            ("faster", self.faster, one.faster),
        ):
            if least is not None and found < least:
                yield f"{found:.2f} of {least:g} times {name}"
        if self.lost is not None and one.lost > self.lost:
            yield f"{100 * one.lost:.2f} points lost, {100 * self.lost:g} allowed"

    def __str__(self) -> str:
        told = ["bit-equal"] if self.equal else []
        told += [f"≥{self.smaller:g} times smaller"] if self.smaller else []
        told += [f"≥{self.stored:g} times as stored"] if self.stored else []
        if self.faster:
            told.append("never slower" if self.faster == _EQUALLY_FAST else f"≥{self.faster:g} times faster")
        return ", ".join([*told, *([f"≤{100 * self.lost:g} points"] if self.lost is not None else [])])


#: The goal and what would be better still.
GOALS: dict[Kind, tuple[Goal, Goal]] = {
    "image CNN": (Goal(5, None, 3.5, 0.005), Goal(7, None, 5, 0.01)),
    "mobile CNN": (Goal(3.4, None, 1.7, 0.005), Goal(3.4, None, 2, 0.005)),
    "text transformer": (Goal(5, None, 3, 0.005), Goal(6, None, 3.5, 0.01)),
    "tree ensemble": (Goal(1.2, 7, _EQUALLY_FAST, None, equal=True), Goal(2.5, None, 2, 0.002)),
}

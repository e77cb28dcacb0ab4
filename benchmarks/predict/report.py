"""The tables: every cell, then where this project is ahead and where behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.predict.loads import Load
from benchmarks.predict.measures import Cell, Measure, Outcome

OWN, BATCHING, BY_HAND, RAW = "AI Mass", "AI Mass, batching", "starlette", "onnxruntime"
COLUMNS = ("server", "calls/s", "ours ÷ theirs", "p50 ms", "p99 ms", "CPU ms a call", "MiB")
SUMMARY = (
    "load",
    "callers",
    "best of them",
    "its calls/s",
    "ours",
    "÷",
    "ours, batching",
    "÷",
    "p99 ÷",
    "p99 ÷, batching",
)
Outcomes = dict[Cell, Outcome]


@dataclass(frozen=True)
class Comparison:
    """With the best of some servers, by calls a second, at one load and number of callers."""

    load: Load
    callers: int
    best: str
    theirs: Measure
    own: Measure
    batching: Measure | None

    @property
    def ratio(self) -> float:
        """Of whichever of ours does better: above 1 is ahead."""
        ours = max(one.calls_per_second for one in (self.own, self.batching) if one)
        return ours / self.theirs.calls_per_second

    def row(self) -> str:
        ours = [self.own, self.batching]
        speeds = [(f"{_speed(one)}", f"{_speed_ratio(one, self.theirs)}") if one else ("", "") for one in ours]
        tails = [f"{one.p99_ms / self.theirs.p99_ms:.2f}" if one else "" for one in ours]
        cells = [self.load.name, str(self.callers), self.best, _speed(self.theirs), *speeds[0], *speeds[1], *tails]
        return _row(*cells)


def tables(loads: list[Load], outcomes: Outcomes, callers: tuple[int, ...]) -> Iterator[str]:
    """Markdown, line by line."""
    for load in loads:
        yield from ("", f"## {load.title}")
        yield from _limits(load, outcomes)
        yield from _reasons(load, outcomes)
        for count in callers:
            yield from ("", f"### {count} caller{'s' * (count > 1)}", "", *_head(COLUMNS))
            found = {c.server: m for c, m in outcomes.items() if (c.load, c.callers) == (load.name, count)}
            measured = {name: one for name, one in found.items() if isinstance(one, Measure)}
            own = measured.get(OWN)
            for name, one in sorted(measured.items(), key=lambda pair: -pair[1].calls_per_second):
                yield _measure_row(name, one, own)


def summary(loads: list[Load], outcomes: Outcomes, callers: tuple[int, ...]) -> Iterator[str]:
    """Against the best of the servers that one installs, then against what one writes by hand; worst first."""
    groups = {"the servers that one installs": False, "bare Starlette, written by hand": True}
    for title, is_by_hand in groups.items():
        compared = [_compare(load, count, outcomes, is_by_hand) for load in loads for count in callers]
        rows = sorted((one for one in compared if one), key=lambda one: one.ratio)
        if rows:
            behind = sum(one.ratio < 1 for one in rows)
            yield from ("", f"## Against {title}: ahead in {len(rows) - behind} of {len(rows)}", "", *_head(SUMMARY))
            yield from (one.row() for one in rows)


def _compare(load: Load, callers: int, outcomes: Outcomes, is_by_hand: bool) -> Comparison | None:
    found = {c.server: m for c, m in outcomes.items() if (c.load, c.callers) == (load.name, callers)}
    measured = {name: one for name, one in found.items() if isinstance(one, Measure)}
    own, batching = measured.get(OWN), measured.get(BATCHING)
    theirs = {
        name: one
        for name, one in measured.items()
        if name not in (OWN, BATCHING) and name.startswith(BY_HAND) == is_by_hand
    }
    if own is None or not theirs:
        return None
    best = max(theirs, key=lambda name: theirs[name].calls_per_second)
    return Comparison(load, callers, best, theirs[best], own, batching)


def _limits(load: Load, outcomes: Outcomes) -> Iterator[str]:
    raw = {c.server: m for c, m in outcomes.items() if c.load == load.name and c.server.startswith(RAW)}
    shown = [
        f"{name.removeprefix(RAW + ', ')} {_speed(one)} calls/s at {one.cpu_ms:.3g} ms of CPU"
        for name, one in raw.items()
        if isinstance(one, Measure)
    ]
    if shown:
        yield from ("", f"onnxruntime alone, one call after another: {'; '.join(shown)}.")


def _reasons(load: Load, outcomes: Outcomes) -> Iterator[str]:
    reasons = {c.server: m for c, m in outcomes.items() if c.load == load.name and isinstance(m, str)}
    for name, reason in reasons.items():
        yield from ("", f"Not measured: {name}: {reason}.")


def _measure_row(name: str, one: Measure, own: Measure | None) -> str:
    ratio = _speed_ratio(own, one) if own else ""
    return _row(
        name, _speed(one), ratio, f"{one.p50_ms:.2f}", f"{one.p99_ms:.2f}", f"{one.cpu_ms:.3g}", f"{one.mib:.0f}"
    )


def _speed(one: Measure) -> str:
    return f"{one.calls_per_second:,.0f}" if one.calls_per_second >= 100 else f"{one.calls_per_second:.1f}"


def _speed_ratio(ours: Measure, theirs: Measure) -> str:
    return f"{ours.calls_per_second / theirs.calls_per_second:.2f}"


def _head(columns: tuple[str, ...]) -> list[str]:
    return [_row(*columns), _row(*("---" for _ in columns))]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"

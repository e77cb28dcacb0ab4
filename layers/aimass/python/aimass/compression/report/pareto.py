"""The picture of what is gained against what is lost, with the budget as a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aimass.compression.report.axis import Axis, around, label, losses
from aimass.compression.report.marks import line, loss_of, mark, text
from aimass.compression.report.markup import Html, cut, element, joined, shown
from aimass.compression.report.placing import Box, Placed, place
from aimass.compression.report.words import scale, what_is_lost

_WIDTH, _HEIGHT = 560, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 14, 48
_TEXT = 13
_MOST = 40  # points


@dataclass(frozen=True)
class _Point:
    x: float
    loss: float
    lower: float
    upper: float
    verdict: str
    label: str


def pareto(report: Mapping[str, Any], gain: str) -> Html | None:
    """`gain` is `size`, in MB, or `speed`, as a prediction's time in percent of the original's. None without points."""
    points = _points(report, gain)
    if len(points) < 2:
        return None
    metric, most = report["budget"]["metric"], report["budget"]["most"] * scale(report["budget"]["metric"])
    low, high = losses([(one.lower, one.upper) for one in points], most)
    across = around([one.x for one in points], _LEFT, _WIDTH - _RIGHT)
    down = Axis(low, high, _HEIGHT - _BOTTOM, _TOP)
    named = {"size": "File size, MB", "speed": "Time of one prediction, % of the original's"}[gain]
    about = f"{what_is_lost(metric)}, against {named.lower()}, by candidate. The tables hold the same numbers."
    parts = [_frame(across, down, named, what_is_lost(metric)), _budget(down, most)]
    return element(
        "svg",
        element("title", about),
        *parts,
        *_drawn(points, across, down, down.at(most)),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        class_="pareto",
    )


def _points(report: Mapping[str, Any], gain: str) -> list[_Point]:
    metric = report["budget"]["metric"]
    whole = {"size": report["original"]["size"] / 1e6, "speed": 100.0}[gain]
    found = [_Point(whole, 0.0, 0.0, 0.0, "original", "original")]
    for one in report["candidates"][:_MOST]:
        loss, times = loss_of(one, metric), one["smaller" if gain == "size" else "faster"]
        if loss and times:
            middle, low, high = (loss[key] * scale(metric) for key in ("estimate", "lower", "upper"))
            # Names of all would cover each other where candidates are alike; the numbers are the tables'.
            told = f" {shown(one['name'], 24)}" if one["verdict"] == "chosen" else ""
            found.append(_Point(whole / times, middle, low, high, one["verdict"], f"{one['number']}{told}"))
    return found


def _frame(across: Axis, down: Axis, below: str, beside: str) -> Html:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = []
    for value in down.ticks(6):
        kind = "zero" if value == 0 else "grid"
        parts += [line(_LEFT, down.at(value), right, down.at(value), kind)]
        parts += [text(label(value), _LEFT - 7, down.at(value) + 4, "end", "tick")]
    for value in across.ticks():
        parts += [line(across.at(value), bottom, across.at(value), bottom + 4, "edge")]
        parts += [text(label(value), across.at(value), bottom + 17, "middle", "tick")]
    middle = (_TOP + bottom) / 2
    turned = element("text", beside, x=13, y=middle, text_anchor="middle", transform=f"rotate(-90 13 {middle})")
    return joined(
        *parts,
        line(_LEFT, bottom, right, bottom, "edge"),
        text(below, (_LEFT + right) / 2, _HEIGHT - 8, "middle"),
        turned,
    )


def _budget(down: Axis, most: float) -> Html:
    y = down.at(most)
    return joined(
        line(_LEFT, y, _WIDTH - _RIGHT, y, "budget"),
        text(f"budget {label(most)}", _WIDTH - _RIGHT - 4, y - 5, "end", "budget"),
    )


def _drawn(points: Sequence[_Point], across: Axis, down: Axis, limit: float) -> list[Html]:
    at = [(across.at(one.x), down.at(one.loss)) for one in points]
    drawn = list(zip(points, at, strict=True))
    bars = [(x, down.at(one.upper), down.at(one.lower)) for one, (x, _) in drawn]
    found = [line(*_upright(bar), f"bar {_kind(one)}") for one, bar in zip(points, bars, strict=True)]
    for one, (x, y) in reversed(drawn):  # the best on top
        found.append(mark(one.verdict, x, y))
        if one.loss > down.most:
            found.append(element("path", d=f"M{x - 4},{y - 8}l4,-5l4,5", class_="beyond"))
    marks = [Box(x - 7, y - 7, x + 7, y + 7) for x, y in at]
    marks += [Box(_WIDTH - _RIGHT - 90, limit - 18, _WIDTH, limit), Box(_LEFT, limit - 2, _WIDTH, limit + 2)]
    for one, (x, y), it in zip(points, at, _places(points, at, marks, bars), strict=True):
        found += _labelled(one, x, y, it) if it else []
    return found


def _upright(bar: tuple[float, float, float]) -> tuple[float, float, float, float]:
    x, top, bottom = bar
    return x, top, x, bottom


def _places(
    points: Sequence[_Point],
    at: Sequence[tuple[float, float]],
    marks: Sequence[Box],
    bars: Sequence[tuple[float, float, float]],
) -> list[Placed | None]:
    """Clear of bars where there is room, else over them."""
    bounds = Box(_LEFT + 2, _TOP, _WIDTH - _RIGHT, _HEIGHT - _BOTTOM - 2)
    wanted = [(x, y, one.label) for one, (x, y) in zip(points, at, strict=True)]
    return place(wanted, marks, [Box(x - 2, top, x + 2, bottom) for x, top, bottom in bars], bounds, _TEXT)


def _labelled(one: _Point, x: float, y: float, placed: Placed) -> list[Html]:
    box = placed.box
    near = min(max(x, box.left), box.right), min(max(y, box.top), box.bottom)
    lead = [line(x, y, round(near[0], 1), round(near[1], 1), "leader")] if placed.leader else []
    centre, base = round((box.left + box.right) / 2, 1), round(box.bottom - _TEXT * 0.28, 1)
    return [*lead, text(cut(one.label, 40), centre, base, "middle", f"label {_kind(one)}")]


def _kind(one: _Point) -> str:
    return one.verdict.replace("not asked", "open")

"""What each candidate loses, with its interval, beside 0 and the budget: what statisticians call a forest plot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass.compression.report.axis import Axis, label, losses
from aimass.compression.report.marks import KINDS, line, loss_of, mark, text
from aimass.compression.report.markup import Html, element, joined, shown
from aimass.compression.report.words import bound, lost, scale, what_is_lost

_WIDTH, _ROW, _TOP, _BOTTOM = 960, 24, 30, 46
_LEFT, _RIGHT = 240, 304
_ESTIMATE, _INTERVAL = 84, 226  # from the axis, where the columns end
_MOST = 40


def intervals(report: Mapping[str, Any]) -> Html | None:
    """None where no candidate's loss is known."""
    budget, metric = report["budget"], report["budget"]["metric"]
    rows = [(one, loss) for one in report["candidates"][:_MOST] if (loss := loss_of(one, metric))]
    if not rows:
        return None
    factor, most = scale(metric), budget["most"] * scale(metric)
    low, high = losses([(loss["lower"] * factor, loss["upper"] * factor) for _, loss in rows], most)
    axis, height = Axis(low, high, _LEFT, _WIDTH - _RIGHT), _TOP + _ROW * len(rows) + _BOTTOM
    drawn = (_row(one, loss, budget, axis, _TOP + _ROW * (at + 0.5)) for at, (one, loss) in enumerate(rows))
    about = f"{what_is_lost(metric)}: estimate and interval of each candidate. The tables hold the same numbers."
    return element(
        "svg",
        element("title", about),
        _frame(axis, height - _BOTTOM, most, metric),
        *drawn,
        viewBox=f"0 0 {_WIDTH} {height}",
        role="img",
        class_="forest",
    )


def _frame(axis: Axis, bottom: float, most: float, metric: str) -> Html:
    parts = []
    for value in axis.ticks(8):
        parts.append(line(axis.at(value), _TOP, axis.at(value), bottom, "zero" if value == 0 else "grid"))
        parts.append(text(label(value), axis.at(value), bottom + 16, "middle", "tick"))
    x = axis.at(most)
    named = text(what_is_lost(metric), (axis.start + axis.end) / 2, bottom + 36, "middle")
    heads = [
        text("estimate", _WIDTH - _RIGHT + _ESTIMATE, _TOP - 10, "end", "tick"),
        text("interval", _WIDTH - _RIGHT + _INTERVAL, _TOP - 10, "end", "tick"),
        text("rows", _WIDTH - 6, _TOP - 10, "end", "tick"),
    ]
    limit = [line(x, _TOP - 4, x, bottom, "budget"), text(f"budget {label(most)}", x, _TOP - 10, "middle", "budget")]
    return joined(*parts, line(axis.start, bottom, axis.end, bottom, "edge"), named, *heads, *limit)


def _row(one: Mapping[str, Any], loss: Mapping[str, Any], budget: Mapping[str, Any], axis: Axis, y: float) -> Html:
    metric, kind = budget["metric"], KINDS[one["verdict"]]
    factor = scale(metric)
    lower, middle, upper = (axis.at(loss[key] * factor) for key in ("lower", "estimate", "upper"))
    beyond = loss["estimate"] * factor > axis.most
    ends = [line(x, y - 4, x, y + 4, f"bar {kind}") for x in (lower, upper)]
    told = f"{lost(metric, loss['lower'], sign=True)} … {bound(metric, loss['upper'], budget['most'], sign=True)}"
    strong = "label chosen" if kind == "chosen" else None
    return joined(
        text(str(one["number"]), 20, y + 4, "end", "tick"),
        text(shown(one["name"], 30), 30, y + 4, kind=strong),
        line(lower, y, upper, y, f"bar {kind}"),
        *ends,
        mark(one["verdict"], middle, y, 4.5),
        element("path", d=f"M{middle + 9},{y - 4}l5,4l-5,4", class_="beyond") if beyond else None,
        text(lost(metric, loss["estimate"], sign=True), _WIDTH - _RIGHT + _ESTIMATE, y + 4, "end", "figure"),
        text(told, _WIDTH - _RIGHT + _INTERVAL, y + 4, "end", "figure"),
        text(f"{loss['rows']:,}{' *' if one['held_out'] else ''}", _WIDTH - 6, y + 4, "end", "figure"),
    )

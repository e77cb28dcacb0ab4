"""Numbers with their units, and the verdict in one sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from aimass.compression import wording
from aimass.compression.rounding import up, up_to

NONE = "\N{EN DASH}"
_SPACE = "\N{NO-BREAK SPACE}"
_TIMES = "\N{MULTIPLICATION SIGN}"
_MINUS = "\N{MINUS SIGN}"
# Accuracy is told in percentage points, agreement and divergence in percent, others as they are.
_HUNDREDFOLD = ("accuracy", "agreement", "divergence")
_NAMES = {"accuracy": "accuracy", "f1": "F1", "auc": "AUC", "r2": "R²", "agreement": "agreement"}


def metric_name(metric: str) -> str:
    return _NAMES.get(metric, metric)


def what_is_lost(metric: str) -> str:
    """As the head of a column, with its unit."""
    return {
        "accuracy": "Accuracy lost, points",
        "agreement": "Answered otherwise, % of rows",
        "divergence": "Output divergence, %",
    }.get(metric, f"{metric_name(metric)} lost")


def scale(metric: str) -> float:
    return 100.0 if metric in _HUNDREDFOLD else 1.0


def lost(metric: str, value: float | None, *, sign: bool = False) -> str:
    """A loss, scaled, without its unit; what is below 0 is a gain."""
    if value is None:
        return NONE
    return number(value * scale(metric), 2 if metric in _HUNDREDFOLD else 4, sign=sign)


def bound(metric: str, value: float | None, most: float = math.inf, *, sign: bool = False) -> str:
    """As `lost`, never less than it is, and not over the `most` that it keeps."""
    if value is None:
        return NONE
    told = up_to(value, 4)
    if value <= most < told:
        return f"{'+' if sign else ''}{allowed(metric, most)}"
    return lost(metric, told, sign=sign)


def allowed(metric: str, most: float) -> str:
    """With all its digits, without its unit."""
    return f"{most * scale(metric):g}"


def score(metric: str, value: float | None) -> str:
    if value is None:
        return NONE
    return f"{number(100 * value, 2)}{_SPACE}%" if metric in _HUNDREDFOLD else number(value, 4)


def number(value: float | None, digits: int, *, sign: bool = False) -> str:
    if value is None or not math.isfinite(value):
        return NONE
    text = f"{abs(value):,.{digits}f}"
    if float(text.replace(",", "")) == 0:
        return text
    return f"{_MINUS if value < 0 else '+' if sign else ''}{text}"


def times(value: float | None) -> str:
    return NONE if value is None else f"{number(value, 2)}{_SPACE}{_TIMES}"


def milliseconds(value: float | None, like: float | None = None) -> str:
    """With as many digits as the amount, or one that it stands beside, asks for."""
    most = max(value or 0, like or 0)
    return NONE if value is None else number(value, 3 if most < 2 else 2 if most < 20 else 1)


def megabytes(value: float | None, like: float | None = None) -> str:
    most = max(value or 0, like or 0)
    return NONE if value is None else number(value / 1e6, 2 if most >= 5e5 else 4)


def percent(confidence: float) -> str:
    return f"{100 * confidence:.4g}{_SPACE}%"


def sentence(report: Mapping[str, Any]) -> str:
    """The verdict in words and numbers."""
    one = next((one for one in report["candidates"] if one["verdict"] == "chosen"), None)
    if one is None:
        return str(report["verdict"]["reason"])
    gains = [wording.size(one["smaller"]), *([wording.speed(one["faster"])] if one["faster"] else [])]
    variant = one.get("variant") or one["name"]
    called = "" if variant == one["name"] else f" The variant is called {variant}: other bytes have its name already."
    return f"{_promise(one, report)} It is {' and '.join(gains)}.{called}"


def _promise(one: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    budget = report["budget"]
    if report["data"]["made_up"]:
        return f"{one['name']} is chosen: what was done changes no answer. All rows were made up, they prove nothing."
    upper, most = one["held_out"]["metrics"][budget["metric"]]["loss"]["upper"], budget["most"]
    # The bound was proven to be within the budget: it is not rounded up over it.
    kept = _kept(budget["metric"], min(up(upper, 2), most) if upper <= up(most) else up(upper, 2))
    near = ", approximate" if budget["metric"] in wording.APPROXIMATE else ""
    return (
        f"{one['name']} keeps the promise: {kept} ({percent(budget['confidence'])} confidence{near}), "
        f"the budget is {_amount(budget['metric'], most)}."
    )


def _kept(metric: str, upper: float) -> str:
    if metric == "agreement":
        return f"at most {_amount(metric, upper)} are answered otherwise"
    if metric == "divergence":
        return f"outputs differ by at most {_amount(metric, upper)}"
    if upper <= 0:
        return f"no {metric_name(metric)} is lost, at least {_amount(metric, -upper)} are gained"
    return f"at most {_amount(metric, upper)} of {metric_name(metric)} are lost"


def _amount(metric: str, value: float) -> str:
    unit = {"accuracy": "points", "agreement": "% of rows", "divergence": "% of their size"}.get(metric, "")
    return f"{allowed(metric, value)} {unit}".strip()

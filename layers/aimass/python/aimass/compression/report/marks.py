"""The marks of the pictures: a form for each verdict, so that colour is never needed to tell them apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass.compression.report.markup import Html, element, joined

#: Verdict to the class that gives its colour.
KINDS = {"chosen": "chosen", "passed": "passed", "not asked": "open", "rejected": "rejected", "original": "original"}


def mark(verdict: str, x: float, y: float, size: float = 5.0) -> Html:
    """`size` is about half of its width, in pixels."""
    kind = KINDS[verdict]
    if kind == "chosen":
        reach = size * 1.5
        corners = f"{x},{y - reach} {x + reach},{y} {x},{y + reach} {x - reach},{y}"
        return element("polygon", points=corners, class_=f"mark {kind}")
    if kind == "rejected":
        d = f"M{x - size},{y - size}L{x + size},{y + size}M{x - size},{y + size}L{x + size},{y - size}"
        return element("path", d=d, class_=f"mark {kind}")
    if kind == "original":
        return element("rect", x=x - size, y=y - size, width=2 * size, height=2 * size, class_=f"mark {kind}")
    return element("circle", cx=x, cy=y, r=size, class_=f"mark {kind}")


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Html:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def text(words: str, x: float, y: float, anchor: str = "start", kind: str | None = None) -> Html:
    return element("text", words, x=x, y=y, text_anchor=anchor, class_=kind)


def small(verdict: str) -> Html:
    """The mark beside a name in a table or a legend."""
    return element("svg", mark(verdict, 8, 8, 4), width=16, height=16, viewBox="0 0 16 16", aria_hidden="true")


def legend(verdicts: Mapping[str, str]) -> Html:
    items = (element("li", small(verdict), words) for verdict, words in verdicts.items())
    return element("ul", joined(*items), class_="legend", aria_hidden="true")


def loss_of(one: Mapping[str, Any], metric: str) -> Mapping[str, Any] | None:
    """On held-out rows where they were asked, else on choosing rows; None where it is not finite."""
    for part in ("held_out", "choosing"):
        if one[part]:
            loss: Mapping[str, Any] | None = one[part]["metrics"].get(metric, {}).get("loss")
            known = loss and None not in (loss["estimate"], loss["upper"], loss["lower"])
            return loss if known else None
    return None

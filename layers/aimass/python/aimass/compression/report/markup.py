"""HTML and SVG put together so that text is text: whatever is not `Html` already is made harmless and escaped."""

from __future__ import annotations

import unicodedata
from html import escape

LONGEST_NAME = 80
LONGEST_TEXT = 400
_MARKS = 3  # that one letter may carry
_ELLIPSIS = "…"


class Html(str):
    """Markup that was made here."""


Child = Html | str | None


def element(tag: str, *children: Child, **attributes: str | float | None) -> Html:
    """`class_` is the attribute class, `stroke_width` is stroke-width; None leaves an attribute out."""
    given = "".join(
        f' {name.strip("_").replace("_", "-")}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    inner = joined(*children)
    return Html(f"<{tag}{given}>{inner}</{tag}>")


def joined(*children: Child, between: str = "") -> Html:
    parts = (child if isinstance(child, Html) else escape(shown(child, LONGEST_TEXT)) for child in children if child)
    return Html(between.join(parts))


def name(text: str, most: int = LONGEST_NAME) -> Html:
    """A name that a stranger gave: it does not turn round what stands beside it."""
    return element("bdi", shown(text, most))


def shown(text: str, most: int) -> str:
    """As it can be shown: invisible and turning characters by their number, the middle left out where it is long."""
    return "".join(_visible(cut(text, most)))[: most * 8]


def cut(text: str, most: int) -> str:
    """The beginning and the end say most of what a layer is."""
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - end - 1]}{_ELLIPSIS}{text[len(text) - end :]}"


def _visible(text: str) -> list[str]:
    found, marks = [], 0
    for letter in text:
        kind = unicodedata.category(letter)
        marks = marks + 1 if kind[0] == "M" else 0
        if letter in "\t\n\r":
            found.append(" ")
        elif kind in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            found.append(f"\\u{ord(letter):04x}")
        elif marks <= _MARKS:
            found.append(letter)
    return found

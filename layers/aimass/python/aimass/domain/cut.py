"""Texts that are longer than there is room for."""

from __future__ import annotations

_ENDS = (". ", "; ")


def cut(text: str, most: int) -> str:
    """At most `most` characters: up to the last sentence that fits half of them or more, else the last whole word."""
    if len(text) <= most:
        return text
    head = text[: most - 1]
    end = max(head.rfind(one) for one in _ENDS)
    if end < most // 2:
        end = head.rfind(" ")
    return (head[:end] if end > 0 else head).rstrip(" ,;:.") + "…"

"""Gains and losses as sentences have them."""

from __future__ import annotations

#: Metrics whose bound keeps its confidence about, not exactly (ADR 61).
APPROXIMATE = ("f1", "auc", "r2")
_LOSSES = {"agreement": "disagreement", "divergence": "divergence"}
# From here on a ratio is told as times, below it in percent; what is less than `_SAME` apart is the same.
_TIMES = 1.995
_SAME_SIZE, _SAME_SPEED = 0.0005, 0.005


def size(smaller: float) -> str:
    """Of a ratio of sizes: `5.13 times smaller`, `23 % smaller`, `the same size`, `1.3 % larger`."""
    if abs(smaller - 1) < _SAME_SIZE:
        return "the same size"
    if smaller > 1:
        return f"{_times(smaller)} smaller" if smaller >= _TIMES else f"{_percent(1 - 1 / smaller, 2)} smaller"
    larger = 1 / smaller
    return f"{_times(larger)} larger" if larger >= _TIMES else f"{_percent(larger - 1, 2)} larger"


def speed(faster: float) -> str:
    """Of a ratio of speeds: `2.5 times faster`, `22 % faster`, `as fast`, `7 % slower`."""
    if abs(faster - 1) < _SAME_SPEED:
        return "as fast"
    if faster > 1:
        return f"{_times(faster)} faster" if faster >= _TIMES else f"{_percent(faster - 1, 2)} faster"
    return f"{_times(1 / faster)} slower" if 1 / faster >= _TIMES else f"{_percent(1 - faster, 2)} slower"


def gain(smaller: float, faster: float | None) -> str:
    """Both; `faster` is None where speed is not known."""
    return size(smaller) if faster is None else f"{size(smaller)}, {speed(faster)}"


def loss(metric: str, value: float) -> str:
    """`accuracy lost 0.004`, `disagreement 0.01`."""
    return f"{_LOSSES.get(metric, f'{metric} lost')} {value + 0.0:.4g}"


def percent(share: float) -> str:
    """`98.75 %`."""
    return _percent(share, 4)


def _times(ratio: float) -> str:
    return f"{ratio:.3g} times" if ratio < 99.95 else f"{ratio:,.0f} times"


def _percent(share: float, digits: int) -> str:
    return f"{100 * share:.{digits}g} %" if share < 0.995 else f"{100 * share:.4g} %"

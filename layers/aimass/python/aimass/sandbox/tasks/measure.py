"""What one prediction costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from aimass.compression import gauges

_MOST_RUNS = 50
_SECONDS = 1.0
_Answer = TypeVar("_Answer")


def baseline_bytes() -> int:
    """Memory that this process holds now; the most it has held where the kernel does not let the peak count anew."""
    held = gauges.resident_bytes()
    return gauges.peak_bytes() if held is None else held


def timed_runs(call: Callable[[], _Answer]) -> tuple[list[float], _Answer]:
    """Sorted milliseconds of up to 50 calls, or of as many as begin within a second, and the last one's answer."""
    times: list[float] = []
    end = time.perf_counter() + _SECONDS
    while True:
        start = time.perf_counter()
        answer = call()
        now = time.perf_counter()
        times.append((now - start) * 1e3)
        if len(times) == _MOST_RUNS or now >= end:
            return sorted(times), answer

"""What one prediction costs."""

from __future__ import annotations

import math
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

_MOST_RUNS = 50
_SECONDS = 1.0
_Answer = TypeVar("_Answer")


def resident_bytes() -> int:
    """Memory that this process holds now. From here on, `peak_bytes` counts anew where the kernel allows it."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return _peak()
    return pages * resource.getpagesize()


def peak_bytes() -> int:
    """The most memory that this process has held since `resident_bytes`."""
    return _peak()


def _peak() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


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


def percentile(ordered: list[float], share: float) -> float:
    """The nearest-rank percentile."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

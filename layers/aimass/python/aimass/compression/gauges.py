"""The memory of this process, as the kernel tells it, and percentiles of times."""

from __future__ import annotations

import math
import resource
from collections.abc import Sequence
from pathlib import Path


def resident_bytes() -> int | None:
    """Memory that this process holds now, from where on `peak_bytes` counts anew; None if the kernel won't let it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * resource.getpagesize()


def peak_bytes() -> int:
    """The most memory that this process has held since `resident_bytes`, or ever."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def percentile(times: Sequence[float], share: float) -> float:
    """The nearest-rank percentile."""
    return sorted(times)[max(0, math.ceil(share * len(times)) - 1)]

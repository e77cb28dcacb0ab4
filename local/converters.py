"""Which environments that models are converted in are installed here, and what a conversion may use."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

MIB = 1 << 20
_SHARE = 0.5  # of what the machine has, for all jobs together: the rest is everybody else's
_LEAST_BYTES = 4 << 30  # of memory for a job, before a second runs beside it: a framework alone takes one of them


def python_of(environment: str, prefix: Path = Path(sys.prefix)) -> Path:
    """The Python of a converter's environment, as `make convert-<environment>` makes it."""
    return prefix / f"convert-{environment}" / "bin" / "python"


def installed(prefix: Path = Path(sys.prefix)) -> tuple[str, ...]:
    """Those that are there as a whole: their stamp comes last."""
    return tuple(sorted(stamp.parent.name.removeprefix("convert-") for stamp in prefix.glob("convert-*/stamp")))


def warning() -> str | None:
    """What to say at the start where models can be converted and this machine can't shut their programs off."""
    if not installed():
        return None
    from aimass.sandbox.isolation_probe import isolation_in_force

    found = isolation_in_force()
    if found.strong:
        return None
    return f"files that can run code when they are opened, such as pickles, are refused: {found.description}"


def jobs_at_once() -> int:
    """How many conversions run side by side: half of the processors, as far as each has the memory that it needs."""
    return max(1, min((os.cpu_count() or 1) // 2, int(_memory_bytes() * _SHARE) // _LEAST_BYTES))


def settings(deployed: dict[str, str]) -> dict[str, str]:
    """What `order_conversion` is told here, in place of what it is deployed with."""
    limits = json.loads(deployed["CONVERSION_LIMITS"])
    free = shutil.disk_usage(tempfile.gettempdir()).free
    share = _SHARE / jobs_at_once()
    limits["memory_mb"] = min(limits["memory_mb"], int(_memory_bytes() * share) // MIB)
    limits["disk_mb"] = min(limits["disk_mb"], int(free * share) // MIB)
    return {"CONVERTERS": " ".join(installed()), "CONVERSION_LIMITS": json.dumps(limits)}


def _memory_bytes() -> int:
    """The machine's memory, or its container's share of it."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(physical, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no control group, or `max`
        return physical

"""Which environments that models are converted in are installed here, and what jobs beside the functions may use."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

MIB = 1 << 20
_SHARE = 0.5  # of what the machine has, for all jobs together: the rest is everybody else's
_CONVERTERS = "convert-"
_LEAST_BYTES = 4 << 30  # of memory for a job, before a second runs beside it: a framework alone takes one of them


def python_of(image: str, prefix: Path = Path(sys.prefix)) -> Path:
    """The Python that a job's image has there: of a converter's environment, as `make convert-<environment>` makes it,
    and of this one for what needs no more than functions have.
    """
    return prefix / (image if image.startswith(_CONVERTERS) else "") / "bin" / "python"


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
    """How many jobs run side by side: half of the processors, as far as each has the memory that it needs."""
    return max(1, min((os.cpu_count() or 1) // 2, int(_memory_bytes() * _SHARE) // _LEAST_BYTES))


def settings(deployed: dict[str, str]) -> dict[str, str]:
    """What the functions that write orders are told here, in place of what they are deployed with; nothing for others.

    Whatever converts is what is installed; what compresses is.
    """
    told: dict[str, str] = {}
    if "CONVERTERS" in deployed:
        told |= {"CONVERTERS": " ".join(installed()), "CONVERSION_LIMITS": _bounded(deployed["CONVERSION_LIMITS"])}
    if "COMPRESSORS" in deployed:
        told |= {"COMPRESSORS": "1", "COMPRESSION_LIMITS": _bounded(deployed["COMPRESSION_LIMITS"])}
    return told


def _bounded(written: str) -> str:
    """A job's limits, as far as this machine goes."""
    limits = json.loads(written)
    free = shutil.disk_usage(tempfile.gettempdir()).free
    share = _SHARE / jobs_at_once()
    limits["memory_mb"] = min(limits["memory_mb"], int(_memory_bytes() * share) // MIB)
    limits["disk_mb"] = min(limits["disk_mb"], int(free * share) // MIB)
    return json.dumps(limits)


def _memory_bytes() -> int:
    """The machine's memory, or its container's share of it."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(physical, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no control group, or `max`
        return physical

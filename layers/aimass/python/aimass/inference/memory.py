"""The memory that a function has."""

from __future__ import annotations

import ctypes
import gc
import resource
from pathlib import Path

KIB = 1024
MIB = 1024 * KIB

_limit: int | None = None


def limit_memory(megabytes: int) -> None:
    """Limits the private memory that this process fills to the function's size.

    An allocation beyond it then fails inside the process, which answers an error and lives on, where the platform
    would otherwise kill it. Files that are mapped for reading do not count.
    """
    global _limit
    _limit = megabytes * MIB
    _apply(_limit)


def release_memory() -> None:
    """Gives freed memory back to the system, and sets the limit anew over what is filled now.

    RLIMIT_DATA counts address space. After a failed allocation some of that can stay reserved with nothing in it: holes
    in glibc's heap, or a region that onnxruntime lost.
    """
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    if _limit is not None:
        _apply(_limit)


def _apply(limit: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = limit + _reserved_only()
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _reserved_only() -> int:
    """Bytes of private address space with no memory behind them."""
    lines = Path("/proc/self/status").read_text().splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) * KIB for line in lines if line.endswith(" kB")}
    return max(0, sizes["VmData"] - sizes["RssAnon"])

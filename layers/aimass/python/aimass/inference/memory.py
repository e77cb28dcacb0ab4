"""The memory that a function has."""

from __future__ import annotations

import ctypes
import gc
import resource

MIB = 1024 * 1024


def limit_memory(megabytes: int) -> None:
    """Limits this process's private memory (RLIMIT_DATA) to the function's size.

    An allocation beyond it then fails inside the process, which answers an error and lives on, where the platform
    would otherwise kill it. Files that are mapped for reading do not count.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = megabytes * MIB
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def release_memory() -> None:
    """Gives freed memory back to the system (glibc): what many small allocations leave behind counts as used until then."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)

"""The memory and the processors that a function has."""

from __future__ import annotations

import os
import resource

MIB = 1024 * 1024
_MIB_PER_CPU = 1769  # AWS gives a function one vCPU per 1,769 MB


def limit_memory(megabytes: int) -> None:
    """Limits this process's private memory (RLIMIT_DATA) to the function's size.

    An allocation beyond it then fails inside the process, which answers an error and lives on, where the platform
    would otherwise kill it. Files that are mapped for reading do not count.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = megabytes * MIB
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def threads_for(megabytes: int) -> int:
    """How many threads compute at once in a function of that size, at most the processors there are."""
    return max(1, min(round(megabytes / _MIB_PER_CPU), len(os.sched_getaffinity(0))))

"""The child's own limits, set before it imports anything heavy or opens a byte of the model, and a parent's cover."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal

from aimass.sandbox.limits import Limits

# linux/prctl.h
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CPU_GRACE_SECONDS = 5


def confine(limits: Limits, parent: int) -> None:
    """Lowers this process's limits for good. Exits if `parent` (a process id) is gone already."""
    die_with(parent)
    cpu = math.ceil(limits.seconds) + _CPU_GRACE_SECONDS
    lower(resource.RLIMIT_DATA, limits.memory_bytes)
    lower(resource.RLIMIT_CPU, cpu)
    lower(resource.RLIMIT_FSIZE, limits.file_bytes)
    lower(resource.RLIMIT_NOFILE, limits.open_files)
    lower(resource.RLIMIT_CORE, 0)


def hide() -> None:
    """Closes this process's environment, memory and open files under /proc to its user's other processes.

    Its children are open again once they have called exec.
    """
    _prctl(_PR_SET_DUMPABLE, 0)


def lower(kind: int, value: int) -> None:
    """Sets one of `resource`'s limits, or leaves a lower one."""
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def die_with(parent: int) -> None:
    """Asks the kernel to kill this process when its parent dies, and forbids set-uid programs."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if os.getppid() != parent:
        raise SystemExit("the parent is gone")


def _prctl(option: int, value: int) -> None:
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(option, value, 0, 0, 0)

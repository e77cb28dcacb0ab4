"""A server's process tree, as /proc tells it: the load generator is no part of it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from benchmarks.stack import Process, memory_mib

TICKS = os.sysconf("SC_CLK_TCK")
IDLE_SECONDS, IDLE_SHARE, IDLE_AT_MOST = 0.2, 0.1, 20.0


def tree(root: int) -> list[int]:
    """`root` and all below it; zombies too, as their time isn't in their parent's yet."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        fields = _fields(int(entry.name)) if entry.name.isdecimal() else []
        if fields:
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def members(root: int) -> list[Process]:
    """The same, told apart from later ones of the same number."""
    return [Process(pid, fields[19]) for pid in tree(root) if (fields := _fields(pid))]


def cpu_seconds(root: int) -> float:
    """User and system time, with that of children that have ended and were waited for."""
    ticks = sum(int(ticks) for pid in tree(root) for ticks in _fields(pid)[11:15])
    return ticks / TICKS


def pss_mib(root: int) -> float:
    return memory_mib(tree(root))[1]


def wait_until_idle(root: int) -> None:
    """Calls that the last run left behind are still being answered."""
    until = time.monotonic() + IDLE_AT_MOST
    while time.monotonic() < until:
        before = cpu_seconds(root)
        time.sleep(IDLE_SECONDS)
        if cpu_seconds(root) - before <= IDLE_SHARE * IDLE_SECONDS:
            return


def _fields(pid: int) -> list[str]:
    """Of /proc/PID/stat from the third on: state, parent, ...; utime to cstime are the twelfth to the fifteenth."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []

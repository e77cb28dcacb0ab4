"""The layers of a strong isolation, from inside the child that they close."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterable
from pathlib import Path

from aimass.sandbox import kernel, landlock, namespaces, seccomp
from aimass.sandbox.confine import die_with, lower
from aimass.sandbox.isolation import LANDLOCK, LAYERS, NAMESPACES, SECCOMP, USER
from aimass.sandbox.limits import Limits

#: What Python and numeric libraries read of a machine; what is missing is left out.
_SYSTEM: tuple[str, ...] = (
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/sys/devices/system/cpu",
)
_SYSTEM += ("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/filesystems", "/proc/sys/vm")
#: Not /dev/zero: mapped as shared, it is memory that counts against no limit.
_DEVICES = ("/dev/null", "/dev/full", "/dev/random", "/dev/urandom")
_PACKAGE = Path(__file__).parents[2]
_FIRST_UID, _UIDS = 20_000, 40_000  # of nobody; below what a container's mapping of users may end at


def isolate(layers: Iterable[str], folder: Path, readable: Iterable[str], limits: Limits, parent: int) -> None:
    """Closes `layers` around this process, which has one thread. Raises OSError if one cannot be had."""
    wanted = set(layers)
    if wanted - LAYERS:
        raise OSError(f"no such layer: {wanted - LAYERS}")
    shown = [*_SYSTEM, sys.prefix, sys.base_prefix, str(_PACKAGE), *readable]
    if USER in wanted:
        _give(folder)
    if NAMESPACES in wanted:
        namespaces.enter(folder, shown, _DEVICES)
    if {USER, NAMESPACES} & wanted:
        # Counted for each user of a namespace: elsewhere it would count the parent's own.
        lower(resource.RLIMIT_NPROC, limits.processes)
    if USER in wanted:
        _become_nobody()
    kernel.drop_capabilities()
    die_with(parent)  # the kernel forgets it when the user changes
    if LANDLOCK in wanted:
        landlock.restrict(str(folder), shown, _DEVICES)
    if SECCOMP in wanted:
        # Landlock alone would let it set the times of files outside.
        seccomp.restrict(times=bool({NAMESPACES, USER} & wanted))


def _uid() -> int:
    """A user that no other child has: two conversions are strangers to each other."""
    return _FIRST_UID + os.getpid() % _UIDS


def _give(folder: Path) -> None:
    """Makes the folder and what lies in it the child's."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, _uid(), _uid(), follow_symlinks=False)


def _become_nobody() -> None:
    uid = _uid()
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    if not os.access(os.getcwd(), os.W_OK | os.X_OK):
        raise PermissionError("the child cannot reach its folder: a folder above it is closed to others")

"""Calls of the kernel that Python 3.11 lacks. Each raises OSError, as those of `os` do. x86_64 numbers."""

from __future__ import annotations

import ctypes
import os

_LIBC = ctypes.CDLL(None, use_errno=True)

# asm/unistd_64.h
PIVOT_ROOT, CAPSET, MOUNT_SETATTR = 155, 126, 442
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446


def syscall(number: int, *arguments: object) -> int:
    """The call `number`: integers as 64 bits, bytes and ctypes objects by address."""
    wide = (ctypes.c_long(value) if isinstance(value, int) else value for value in arguments)
    return checked(int(_LIBC.syscall(ctypes.c_long(number), *wide)))


def unshare(flags: int) -> None:
    """Moves this process into new namespaces."""
    checked(_LIBC.unshare(ctypes.c_int(flags)))


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """mount(2)."""
    words = (text and text.encode() for text in (source, target, kind))
    checked(_LIBC.mount(*words, ctypes.c_ulong(flags), data and data.encode()))


def unmount(target: str) -> None:
    """Detaches a tree of mounts at once, however busy it is."""
    mnt_detach = 2
    checked(_LIBC.umount2(target.encode(), mnt_detach))


def checked(result: int) -> int:
    """`result`, unless it is -1."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def drop_capabilities() -> None:
    """Gives up every capability that this thread has."""
    version_3_of_itself = (ctypes.c_uint32 * 2)(0x20080522, 0)
    syscall(CAPSET, version_3_of_itself, (ctypes.c_uint32 * 6)())

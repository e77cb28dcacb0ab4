"""Landlock: the paths that a process may read and write, whoever it is. Needs no rights and Linux 6.2."""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable

from aimass.sandbox import kernel

# linux/landlock.h
_VERSION, _PATH_BENEATH = 1, 1
_WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5
_MAKE_DIR, _MAKE_REG, _REFER, _TRUNCATE = 1 << 7, 1 << 8, 1 << 13, 1 << 14
#: All rights of a file, by the version that brought them: what is handled and not granted is denied.
_HANDLED = {3: (1 << 15) - 1, 5: (1 << 16) - 1}
_NETWORK, _SCOPES = 0b11, 0b11
_OLDEST = 3  # the first that keeps files from being cut short

_READ = _READ_FILE | _READ_DIR
_CHANGE = _WRITE_FILE | _TRUNCATE
_WRITE = _READ | _CHANGE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _REFER
_OF_A_FILE = _READ_FILE | _CHANGE


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def restrict(folder: str, readable: Iterable[str], devices: Iterable[str]) -> None:
    """Denies this process for good every path but these; `folder` alone it may write, links and sockets excepted.

    Needs no_new_privs. Raises OSError where the kernel has no Landlock, or one too old.
    """
    version = kernel.syscall(kernel.LANDLOCK_CREATE_RULESET, 0, 0, _VERSION)
    if version < _OLDEST:
        raise OSError("Landlock is too old to keep files from being cut short")
    ruleset = _ruleset(version)
    for path in readable:
        _allow(ruleset, path, _READ)
    for path in devices:
        _allow(ruleset, path, _READ | _WRITE_FILE)
    _allow(ruleset, folder, _WRITE)
    kernel.syscall(kernel.LANDLOCK_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _ruleset(version: int) -> int:
    handled = _HANDLED[max(known for known in _HANDLED if known <= version)]
    rules = _Ruleset(handled, _NETWORK if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    return kernel.syscall(kernel.LANDLOCK_CREATE_RULESET, ctypes.byref(rules), size, 0)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            rights &= _OF_A_FILE
        kernel.syscall(kernel.LANDLOCK_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(_Beneath(rights, opened)), 0)
    finally:
        os.close(opened)

"""A root of the child's own: libraries to read, its folder to write, and no network device."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

from aimass.sandbox import kernel

# linux/sched.h
_NEWNS, _NEWUTS, _NEWIPC, _NEWUSER, _NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x40000000
# linux/mount.h
_NOSUID, _NODEV, _BIND, _REC, _PRIVATE = 2, 4, 0x1000, 0x4000, 0x40000
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000

_NEW, _OLD = "/tmp", "/.old"  # noqa: S108 any folder that every machine has can become the new root


def enter(folder: Path, readable: Iterable[str], devices: Iterable[str]) -> None:
    """Moves this process into namespaces where it sees `readable`, `devices`, and `folder`, which alone it can write.

    Who is not root gets a user namespace with it, and all capabilities there. Raises OSError where the machine
    forbids it.
    """
    uid, gid = os.geteuid(), os.getegid()
    kernel.unshare(_NEWNS | _NEWUTS | _NEWIPC | _NEWNET | (_NEWUSER if uid else 0))
    if uid:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{uid} {uid} 1")
        _write("/proc/self/gid_map", f"{gid} {gid} 1")
    _new_root(str(folder), [path for path in readable if os.path.exists(path)], devices)
    os.chdir(folder)


def _write(file: str, text: str) -> None:
    with open(file, "w") as opened:
        opened.write(text)


def _new_root(folder: str, readable: list[str], devices: Iterable[str]) -> None:
    real = {path: os.path.realpath(path) for path in readable}
    kernel.mount("none", "/", None, _REC | _PRIVATE)
    kernel.mount("tmpfs", _NEW, "tmpfs", _NOSUID | _NODEV, "size=1m,mode=0755")
    os.mkdir(_NEW + _OLD)
    kernel.syscall(kernel.PIVOT_ROOT, _NEW.encode(), (_NEW + _OLD).encode())
    os.chdir("/")
    for path in _outermost(real.values()):
        _bind(path, _ATTR_RDONLY | _ATTR_NOSUID | _ATTR_NODEV)
    for path, target in real.items():
        if path != target and not os.path.lexists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(target, path)
    for device in devices:
        _bind(device, _ATTR_NOSUID)
    _bind(folder, _ATTR_NOSUID | _ATTR_NODEV)
    kernel.unmount(_OLD)
    os.rmdir(_OLD)
    _restrict("/", _ATTR_RDONLY, recursive=False)


def _outermost(paths: Iterable[str]) -> list[str]:
    """Each path that lies in no other."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not (kept and Path(path).is_relative_to(kept[-1])):
            kept.append(path)
    return kept


def _bind(path: str, attributes: int) -> None:
    """Shows at `path` what the old root has there."""
    if os.path.isdir(_OLD + path):
        os.makedirs(path, exist_ok=True)
    elif not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _write(path, "")
    kernel.mount(_OLD + path, path, None, _BIND | _REC)
    _restrict(path, attributes)


def _restrict(path: str, attributes: int, *, recursive: bool = True) -> None:
    mount_attr = (ctypes.c_uint64 * 4)(attributes)
    flags = _AT_RECURSIVE if recursive else 0
    size = ctypes.sizeof(mount_attr)
    kernel.syscall(kernel.MOUNT_SETATTR, _AT_FDCWD, path.encode(), flags, mount_attr, size)

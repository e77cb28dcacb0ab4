"""Removing what a stranger's program left: folders of any depth and any mode."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_OPEN = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove(folder: Path) -> None:
    """Removes a folder and all that it holds, following no link. Never raises: what can't be removed stays.

    Depth costs neither stack nor open files nor a long path: what lies in a folder's folders is moved up first.
    """
    with suppress(OSError), _opened(str(folder)) as top:
        while _sweep(top):
            pass
    with suppress(OSError):
        os.rmdir(folder)


def _sweep(top: int) -> bool:
    """Whether anything went, or came nearer to the top: then there may be more to do."""
    progress = False
    with os.scandir(top) as entries:
        for entry in entries:
            progress |= _gone(top, entry, top)
    return progress


def _gone(within: int, entry: os.DirEntry[str], top: int) -> bool:
    """Removes what lies in the top folder; of a folder the folders in it are moved to the top."""
    if not entry.is_dir(follow_symlinks=False):
        return _unlinked(within, entry.name)
    progress = False
    with suppress(OSError):
        with _opened(entry.name, within) as opened, os.scandir(opened) as entries:
            for inner in entries:
                progress |= _lifted(opened, inner, top)
        os.rmdir(entry.name, dir_fd=within)
        progress = True
    return progress


def _lifted(within: int, entry: os.DirEntry[str], top: int) -> bool:
    if not entry.is_dir(follow_symlinks=False):
        return _unlinked(within, entry.name)
    with suppress(OSError):
        with _opened(entry.name, within):
            pass  # its owner may move it now
        os.rename(entry.name, secrets.token_hex(16), src_dir_fd=within, dst_dir_fd=top)
        return True
    return False


def _unlinked(within: int, name: str) -> bool:
    with suppress(OSError):
        os.unlink(name, dir_fd=within)
        return True
    return False


@contextmanager
def _opened(name: str, within: int | None = None) -> Iterator[int]:
    """A folder, which its owner can list and change from then on."""
    try:
        descriptor = os.open(name, os.O_RDONLY | _OPEN, dir_fd=within)
    except PermissionError:
        _unlock(name, within)
        descriptor = os.open(name, os.O_RDONLY | _OPEN, dir_fd=within)
    try:
        with suppress(PermissionError):
            os.fchmod(descriptor, 0o700)
        yield descriptor
    finally:
        os.close(descriptor)


def _unlock(name: str, within: int | None) -> None:
    """What can't be opened has no mode that can be set but by its name, which would follow a link."""
    handle = os.open(name, os.O_PATH | _OPEN, dir_fd=within)
    try:
        os.chmod(f"/proc/self/fd/{handle}", 0o700)
    finally:
        os.close(handle)

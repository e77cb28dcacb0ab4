"""What this machine allows of a strong isolation: found by trying it."""

from __future__ import annotations

import functools
import itertools
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from aimass.domain.errors import AimassError
from aimass.sandbox.isolation import CONFINED, LANDLOCK, NAMESPACES, SECCOMP, USER, Isolation
from aimass.sandbox.limits import MIB, Limits
from aimass.sandbox.runner import run

_LIMITS = Limits(seconds=20, memory_bytes=512 * MIB, file_bytes=MIB, folder_bytes=16 * MIB)
_ZEROS = Path("/dev/zero")
#: Where any user may write on most machines.
_SHARED = ("/", "/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run", "/run/lock")  # noqa: S108


@functools.cache
def isolation_in_force() -> Isolation:
    """The closest isolation that works here; `strong` says whether it will do for files that run code. 0.1 s, once."""
    for layers in _candidates():
        if reached(layers) == []:
            return Isolation(layers, strong=True, description=f"shut off by {', '.join(layers)}")
    return CONFINED


def reached(layers: tuple[str, ...]) -> list[str] | None:
    """What a hostile child reaches through `layers`, None if one of them cannot be had."""
    with tempfile.TemporaryDirectory(prefix="aimass-probe-") as scratch, suppress(AimassError, OSError):
        return _try(layers, Path(scratch))
    return None


def close_shared_folders() -> None:
    """Takes from other users the folders that all may write, and /dev/zero, whose mappings are memory that counts
    against no limit. For a container that runs one job alone, as root.

    There neither namespaces nor Landlock can be counted on, and it is what the layer `user` lacks to be strong.
    """
    for folder in map(Path, _SHARED):
        with suppress(FileNotFoundError):
            mode = stat.S_IMODE(folder.stat().st_mode)
            if mode & stat.S_IWOTH:
                folder.chmod(mode & ~stat.S_IWOTH)
    with suppress(OSError):  # then the probe finds it open
        _ZEROS.chmod(0o600)


def _candidates() -> Iterator[tuple[str, ...]]:
    """Sets of layers, the closest first."""
    others = (NAMESPACES, USER, LANDLOCK) if os.geteuid() == 0 else (NAMESPACES, LANDLOCK)
    for count in range(len(others), 0, -1):
        for chosen in itertools.combinations(others, count):
            yield (*chosen, SECCOMP)


def _try(layers: tuple[str, ...], scratch: Path) -> list[str]:
    """`scratch` is closed to other users but for the way through to the child's folder in it."""
    secret = scratch / "secret"
    secret.write_text("of the parent")
    secret.chmod(0o600)
    scratch.chmod(0o711)
    folder = scratch / "child"
    folder.mkdir()
    places = [*_SHARED, str(Path.home()), os.getcwd(), str(Path(__file__).parent), str(scratch)]
    request = {"secrets": [str(secret), f"/proc/{os.getpid()}/environ"], "places": places}
    task = "aimass.sandbox.isolation_leaks"
    answer = run(task, request, folder=folder, limits=_LIMITS, isolation=Isolation(layers))
    return [str(leak) for leak in answer["leaks"]]

"""What a child reaches through the layers around it: the task of `isolation_probe`, which hopes for nothing."""

from __future__ import annotations

import mmap
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

_FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16, "AF_PACKET": 17, "AF_VSOCK": 40}


def run(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Answers once, with the names of what was reached. Raises PermissionError if its own folder is closed to it."""
    if not _writable("."):
        raise PermissionError("the child cannot write its own folder")
    files = [*filter(_readable, request["secrets"]), *filter(_writable, request["places"])]
    yield {"leaks": [*_networks(), *_processes(), *_memory(), *files]}


def _networks() -> Iterator[str]:
    for name, family in _FAMILIES.items():
        with suppress(OSError):
            socket.socket(family, socket.SOCK_DGRAM).close()
            yield name


def _processes() -> Iterator[str]:
    with suppress(OSError):
        if os.fork() == 0:
            os._exit(0)
        yield "fork"


def _memory() -> Iterator[str]:
    """Memory that counts against no limit."""
    with suppress(OSError):
        mmap.mmap(-1, mmap.PAGESIZE).close()
        yield "shared memory"
    with suppress(OSError):
        os.close(os.memfd_create("leak"))
        yield "memfd_create"
    with suppress(OSError), open("/dev/zero", "rb") as zero:
        mmap.mmap(zero.fileno(), mmap.PAGESIZE, prot=mmap.PROT_READ).close()
        yield "/dev/zero"


def _readable(file: str) -> bool:
    with suppress(OSError), open(file, "rb") as opened:
        return bool(opened.read(1))
    return False


def _writable(folder: str) -> bool:
    file = Path(folder) / f".aimass-{secrets.token_hex(8)}"
    with suppress(OSError):
        file.touch(exist_ok=False)
        file.unlink()
        return True
    return False

"""A file's bytes, mapped for reading: a slice touches only the pages that it covers."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

Content = bytes | mmap.mmap


@contextmanager
def mapped(path: Path) -> Iterator[Content]:
    """The file's content; an empty file, which cannot be mapped, is `b""`."""
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            yield b""
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield content

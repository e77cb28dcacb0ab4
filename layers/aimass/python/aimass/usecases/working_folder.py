"""A folder on the function's disk for as long as a step takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir, mkdtemp

from aimass.domain.leftovers import remove


@contextmanager
def working_folder(prefix: str) -> Iterator[Path]:
    """An empty one; what a function that was killed left of that prefix goes first, as it serves one call at a time."""
    for stale in Path(gettempdir()).glob(f"{prefix}*"):
        remove(stale)
    folder = Path(mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        remove(folder)

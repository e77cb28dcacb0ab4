"""How much a child's folder holds while the child fills it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_LEAST = 4096  # an empty file or folder takes room in the disk's tables


@dataclass(frozen=True)
class Folder:
    """A folder and the bytes of disk that it may take, None for no bound."""

    path: Path
    most: int | None

    def overfull(self) -> bool:
        """Whether it takes more, or is made so that no one can tell: too deep, or closed to its reader."""
        if self.most is None:
            return False
        try:
            return self._taken() > self.most
        except (OSError, RecursionError):
            return True

    def _taken(self) -> int:
        taken = 0
        for parent, folders, files in os.walk(self.path, onerror=_unless_gone):
            for name in (*folders, *files):
                with suppress(FileNotFoundError):
                    taken += max(_LEAST, os.lstat(os.path.join(parent, name)).st_blocks * 512)
        return taken


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error

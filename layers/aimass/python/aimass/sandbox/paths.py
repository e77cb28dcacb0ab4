"""Paths that a child names: its parent, which has credentials, opens nothing outside the child's folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aimass.domain.errors import InternalError


def folder_within(root: Path, named: str) -> Path:
    """The folder `named`, which is `root` or lies in it. Raises InternalError."""
    folder = Path(named)
    if not (folder.is_dir() and folder.resolve().is_relative_to(root.resolve())):
        raise InternalError("the sandbox named a folder outside its own")
    return folder


def files_within(root: Path, named: Iterable[str]) -> tuple[str, ...]:
    """Relative paths of plain files in `root`, as they were named. Raises InternalError for any other."""
    files = tuple(named)
    for file in files:
        path, named_path = root / file, Path(file)
        clean = not named_path.is_absolute() and ".." not in named_path.parts
        if not (clean and path.resolve().is_relative_to(root.resolve()) and path.is_file()):
            raise InternalError("the sandbox named a file outside its folder")
    return files

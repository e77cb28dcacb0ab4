"""The files of an upload, by what they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from aimass.domain.errors import TruncatedModel
from aimass.formats.archive import ARCHIVES
from aimass.formats.member import is_clutter
from aimass.formats.recognise import recognise
from aimass.formats.unpack import unpack


class Found:
    """The files under a folder, by what they are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kinds: dict[str, str] = {}
        self.cut_short: dict[str, TruncatedModel] = {}
        for path in sorted(file.relative_to(folder) for file in _files(folder)):
            if is_clutter(list(path.parts)):
                continue
            try:
                self.kinds[path.as_posix()] = recognise(folder / path)
            except TruncatedModel as error:
                self.cut_short[path.as_posix()] = error

    @property
    def models(self) -> list[str]:
        """Those that the runtime opens: ONNX, or else its own format."""
        kinds = self.kinds.items()
        return [path for path, kind in kinds if kind == "onnx"] or [path for path, kind in kinds if kind == "ort"]

    @property
    def archives(self) -> list[str]:
        return [path for path, kind in self.kinds.items() if kind in ARCHIVES]


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)


def unpacked(found: Found, max_bytes: int) -> Path:
    """The folder that the first archive is unpacked to. Raises UnsafeArchive, ArchiveTooLarge, TruncatedModel."""
    archive = found.archives[0]
    target = found.folder / "unpacked"
    while target.exists():
        target = target.with_name(target.name + "_")
    unpack(found.folder / archive, found.kinds[archive], target, max_bytes)
    return target

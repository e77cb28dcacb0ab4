"""Formats that are zip files; their members tell them apart."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence
from fnmatch import fnmatchcase

from aimass.formats.content import Content

TITLES = {
    "npz": "NumPy arrays (.npz)",
    "office": "an office document",
}
_OFFICE = "[Content_Types].xml"
_DIRECTORY_BYTES = 32 << 20  # zipfile makes objects of ten times a directory's size, before it hands out a name


def recognise(content: Content, members: Sequence[tuple[str, tuple[str, ...]]]) -> str | None:
    """`members` has formats with their patterns: each matches a member, or none where it begins with `!`. The format
    with most patterns wins.
    """
    if content[:4] not in {b"PK\x03\x04", b"PK\x05\x06"}:
        return None
    names = _names(content)
    if names and all(name.endswith(".npy") for name in names):
        return "npz"
    fitting = [(len(patterns), name) for name, patterns in members if _fit(names, patterns)]
    if fitting:
        return max(fitting)[1]
    return "office" if _OFFICE in names else "zip"


def _fit(names: Sequence[str], patterns: tuple[str, ...]) -> bool:
    return all(any(fnmatchcase(name, one.lstrip("!")) for name in names) != one.startswith("!") for one in patterns)


def _names(content: Content) -> list[str]:
    try:
        with zipfile.ZipFile(ZipContent(content)) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, OSError, struct.error):
        return []


class DirectoryTooLarge(ValueError):
    """The list of a zip file's members is larger than 32 MiB."""


class ZipContent(io.RawIOBase):
    """`content` as a file to seek in, for ZipFile, which reads a directory at once.

    Raises DirectoryTooLarge for one that is too large.
    """

    def __init__(self, content: Content) -> None:
        self._content = content
        self._at = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._content)}[whence]
        if base + offset < 0:
            raise ValueError("seek before the start")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        if size is not None and size > _DIRECTORY_BYTES:
            raise DirectoryTooLarge("the zip file's directory is too large")
        end = None if size is None or size < 0 else self._at + size
        data = self._content[self._at : end]
        self._at += len(data)
        return data

"""Formats that are zip files; their members tell them apart."""

from __future__ import annotations

import io
import zipfile
from fnmatch import fnmatchcase

from aimass.formats.content import Content

TITLES = {
    "pt2": "a PyTorch export (.pt2)",
    "torchscript": "TorchScript",
    "pytorch": "PyTorch weights (.pt, .pth)",
    "keras": "a Keras model (.keras)",
    "npz": "NumPy arrays (.npz)",
    "office": "an office document",
}
# The first row of which each pattern matches a member.
_MEMBERS = (
    ("pt2", ("*archive_format", "*models/*.json")),
    ("torchscript", ("*/data.pkl", "*/code/*")),
    ("torchscript", ("*/constants.pkl",)),
    ("pytorch", ("*/data.pkl", "*version")),
    ("keras", ("config.json", "model.weights.h5")),
    ("office", ("[[]Content_Types].xml",)),
)


def recognise(content: Content) -> str | None:
    if content[:4] not in {b"PK\x03\x04", b"PK\x05\x06"}:
        return None
    try:
        with zipfile.ZipFile(_File(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, OSError):
        return "zip"
    if names and all(name.endswith(".npy") for name in names):
        return "npz"
    for name, patterns in _MEMBERS:
        if all(any(fnmatchcase(member, pattern) for member in names) for pattern in patterns):
            return name
    return "zip"


class _File(io.RawIOBase):
    """`content` as a file to seek in."""

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
        end = None if size is None or size < 0 else self._at + size
        data = self._content[self._at : end]
        self._at += len(data)
        return data

"""The pickle in a file that may be compressed, read forward."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

#: What a damaged file raises while it is read.
DAMAGE = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Opens what joblib may have compressed: zlib, gzip, bzip2, xz or LZMA. What is read raises one of DAMAGE."""
    with path.open("rb") as file:
        head = file.read(6)
        file.seek(0)
        with closing(_decompressed(file, head)) as stream:
            yield stream


def _decompressed(file: IO[bytes], head: bytes) -> IO[bytes]:
    if head[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]
    if head[:3] == b"BZh":
        return bz2.BZ2File(file)
    if head[:6] == b"\xfd7zXZ\x00" or head[:3] == b"\x5d\x00\x00":
        return lzma.LZMAFile(file)
    if head[:1] == b"\x78":
        return io.BufferedReader(_Zlib(file))
    return file


class _Zlib(io.RawIOBase):
    """A bare zlib stream. Going back reads it again from its start."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._inflate, self._at = file, zlib.decompressobj(), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = b""
        while not data and not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._file.read(1 << 16)
            if not packed:
                raise EOFError
            data = self._inflate.decompress(packed, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        target = offset + (self._at if whence == io.SEEK_CUR else 0)
        if target < self._at:
            self._file.seek(0)
            self._inflate, self._at = zlib.decompressobj(), 0
        while self._at < target and self.readinto(bytearray(min(1 << 16, target - self._at))):
            pass
        return self._at

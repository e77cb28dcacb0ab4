"""Archives, and what compression hides."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable

from aimass.formats import pickled
from aimass.formats.content import Content

#: What `unpack` takes.
ARCHIVES = frozenset(("tar", "tar.gz", "tar.bz2", "tar.xz", "zip"))
TITLES = {
    "tar": "a tar archive",
    "tar.gz": "a tar.gz archive",
    "tar.bz2": "a tar.bz2 archive",
    "tar.xz": "a tar.xz archive",
    "zip": "a zip archive",
    "gzip": "a gzip-compressed file that is no tar archive (unpack it first, or make a tar archive)",
    "bzip2": "a bzip2-compressed file that is no tar archive (unpack it first, or make a tar archive)",
    "xz": "an xz-compressed file that is no tar archive (unpack it first, or make a tar archive)",
    "zstd": "a zstd-compressed file",
    "7z": "a 7z archive",
    "rar": "a rar archive",
}
_BLOCK = 512
_COMPRESSED_HEAD = 1 << 20  # bzip2 gives nothing before a whole block of up to 900 KB
_CHECKSUM = slice(148, 156)


def recognise(content: Content) -> str | None:
    for magic, name in ((b"\x28\xb5\x2f\xfd", "zstd"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07", "rar")):
        if content[: len(magic)] == magic:
            return name
    for magic, name, short, head in _COMPRESSIONS:
        if content[: len(magic)] == magic:
            inside = head(content[:_COMPRESSED_HEAD])
            return f"tar.{short}" if _is_tar(inside) else pickled.recognise(inside) or name
    if _zlib_header(content[:2]):
        return pickled.recognise(_inflated(content[:_COMPRESSED_HEAD]))
    return "tar" if _is_tar(content[:_BLOCK]) else None


def _gunzipped(data: bytes) -> bytes:
    return zlib.decompressobj(wbits=31).decompress(data, _BLOCK)


def _inflated(data: bytes) -> bytes:
    return _head(lambda: zlib.decompressobj().decompress(data, _BLOCK))


def _head(decompress: Callable[[], bytes]) -> bytes:
    try:
        return decompress()
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
        return b""


_COMPRESSIONS: tuple[tuple[bytes, str, str, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b\x08", "gzip", "gz", lambda data: _head(lambda: _gunzipped(data))),
    (b"BZh", "bzip2", "bz2", lambda data: _head(lambda: bz2.BZ2Decompressor().decompress(data, _BLOCK))),
    (b"\xfd7zXZ\x00", "xz", "xz", lambda data: _head(lambda: lzma.LZMADecompressor().decompress(data, _BLOCK))),
)


def _zlib_header(head: bytes) -> bool:
    return len(head) == 2 and head[0] & 0x0F == 8 and head[0] >> 4 <= 7 and int.from_bytes(head) % 31 == 0


def _is_tar(block: bytes) -> bool:
    """By the header's checksum, which older archives without the `ustar` mark have too."""
    if len(block) < _BLOCK:
        return False
    try:
        announced = int(block[_CHECKSUM].strip(b" \x00"), 8)
    except ValueError:
        return False
    blank = b" " * 8
    return announced == sum(block[: _CHECKSUM.start] + blank + block[_CHECKSUM.stop : _BLOCK])

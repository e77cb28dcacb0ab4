"""Archives, and what compression hides."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable

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
    "zstd": "a zstd-compressed file (unpack it first, or make a .tar.gz)",
    "7z": "a 7z archive (make a .zip or .tar.gz)",
    "rar": "a rar archive (make a .zip or .tar.gz)",
}
_BLOCK = 512
_COMPRESSED_HEAD = 1 << 20  # bzip2 gives nothing before a whole block of up to 900 KB
_DICTIONARY_BYTES = 128 << 20  # xz asks for as much memory as a file's header says; `xz -9` for 65 MB
_CHECKSUM = slice(148, 156)


def recognise(content: Content, inside: Callable[[bytes], str | None]) -> str | None:
    """`inside` names what may lie in a compressed file without an archive, by its first bytes."""
    for magic, name in ((b"\x28\xb5\x2f\xfd", "zstd"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07", "rar")):
        if content[: len(magic)] == magic:
            return name
    for magic, name, short, decompress in _COMPRESSIONS:
        if content[: len(magic)] == magic:
            head = _head(decompress, content[:_COMPRESSED_HEAD])
            return f"tar.{short}" if _is_tar(head) else inside(head) or name
    for fits, decompress in ((_zlib_header, _inflated), (_lzma_header, _lzma)):
        if fits(content[:3]) and (found := inside(_head(decompress, content[:_COMPRESSED_HEAD]))):
            return found
    return "tar" if _is_tar(content[:_BLOCK]) else None


def _head(decompress: Callable[[bytes], bytes], data: bytes) -> bytes:
    try:
        return decompress(data)
    except (OSError, EOFError, ValueError, MemoryError, zlib.error, lzma.LZMAError):
        return b""


def _inflated(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, _BLOCK)


def _gunzipped(data: bytes) -> bytes:
    return zlib.decompressobj(wbits=31).decompress(data, _BLOCK)


def _unbzipped(data: bytes) -> bytes:
    return bz2.BZ2Decompressor().decompress(data, _BLOCK)


def _lzma(data: bytes) -> bytes:
    return lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=_DICTIONARY_BYTES).decompress(data, _BLOCK)


_COMPRESSIONS: tuple[tuple[bytes, str, str, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b\x08", "gzip", "gz", _gunzipped),
    (b"BZh", "bzip2", "bz2", _unbzipped),
    (b"\xfd7zXZ\x00", "xz", "xz", _lzma),
)


def _lzma_header(head: bytes) -> bool:
    return head == b"]\x00\x00"


def _zlib_header(head: bytes) -> bool:
    head = head[:2]
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

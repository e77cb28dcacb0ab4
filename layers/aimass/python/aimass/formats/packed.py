"""Files as they are stored: packed by Zstandard where that pays. Importing this loads no Zstandard."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any, BinaryIO

#: Packed, a file takes at most this share of what it took, or it is stored as it is: unpacking costs time at each load.
PAYS = 0.9
_BLOCK = 1 << 20
# The slower levels find what repeats far away, which trees do and dense weights don't.
_LEVELS = ((16 << 20, 19), (256 << 20, 12))
_FASTEST = 3


def pack(source: Path, target: Path) -> int:
    """Writes `target`, packed; the same file gives the same bytes. Gives its size in bytes."""
    zstd = _zstd()
    size = source.stat().st_size
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: level(size),
        zstd.CompressionParameter.checksum_flag: 1,
        zstd.CompressionParameter.nb_workers: 0,
    }
    with source.open("rb") as plain, zstd.ZstdFile(target, "w", options=options) as packed:
        packed.write(b"")  # else an empty file is no frame
        shutil.copyfileobj(plain, packed, _BLOCK)
    return target.stat().st_size


def unpack(source: Path | BinaryIO, target: Path, most: int) -> int:
    """Writes what was packed. Raises ValueError for a file that is damaged or holds more than `most` bytes."""
    zstd = _zstd()
    written = 0
    try:
        with zstd.ZstdFile(source) as packed, target.open("wb") as plain:
            while block := packed.read(_BLOCK):
                written += len(block)
                if written > most:
                    raise ValueError(f"more than {most:,} bytes")
                plain.write(block)
    except (zstd.ZstdError, EOFError) as error:
        raise ValueError(f"no whole Zstandard file: {error}") from error
    return written


def pays(packed: int, size: int) -> bool:
    """Whether a file of `size` bytes is stored packed where that takes `packed`."""
    return packed <= PAYS * size


def level(size: int) -> int:
    """The compression level for a file of so many bytes."""
    return next((level for most, level in _LEVELS if size <= most), _FASTEST)


def _zstd() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd

"""Models as they are stored: packed by Zstandard where that pays."""

from __future__ import annotations

import shutil
from pathlib import Path

# The standard library's `compression.zstd` of Python 3.14, for older ones.
from backports import zstd

#: Packed, a file takes at most this share of what it took, or it is stored as it is: unpacking costs time at each load.
PAYS = 0.9
_BLOCK = 1 << 20
# The slower levels find what repeats far away, which trees do and dense weights don't.
_LEVELS = ((16 << 20, 19), (256 << 20, 12))
_FASTEST = 3


def pack(source: Path, target: Path) -> int:
    """Writes `target`, packed; the same file gives the same bytes. Gives its size in bytes."""
    size = source.stat().st_size
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: level(size),
        zstd.CompressionParameter.checksum_flag: 1,
        zstd.CompressionParameter.nb_workers: 0,
    }
    with source.open("rb") as plain, zstd.ZstdFile(target, "w", options=options) as packed:
        shutil.copyfileobj(plain, packed, _BLOCK)
    return target.stat().st_size


def unpack(source: Path, target: Path, most: int) -> int:
    """Writes what was packed. Raises ValueError for a file that is damaged or holds more than `most` bytes."""
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


def packed_size(source: Path, folder: Path) -> int:
    """Bytes in storage: packed, or as it is where packing does not pay."""
    target = folder / f"{source.name}.zst"
    try:
        packed = pack(source, target)
    finally:
        target.unlink(missing_ok=True)
    size = source.stat().st_size
    return packed if packed <= PAYS * size else size


def level(size: int) -> int:
    return next((level for most, level in _LEVELS if size <= most), _FASTEST)

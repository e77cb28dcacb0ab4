"""What a model takes in storage, where it is packed if that pays."""

from __future__ import annotations

from pathlib import Path

from aimass.formats.packed import pack, pays


def packed_size(source: Path, folder: Path) -> int:
    """Bytes in storage: packed, or as it is where packing does not pay."""
    target = folder / f"{source.name}.zst"
    try:
        packed = pack(source, target)
    finally:
        target.unlink(missing_ok=True)
    size = source.stat().st_size
    return packed if pays(packed, size) else size

"""The size of the pictures that a Hugging Face folder's model takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aimass.formats import json_object

_SIDE, _MOST_SIDE = 224, 4096


def picture_size(folder: Path, config: Any) -> tuple[int, int, int]:
    """Channels, height and width, as the pictures are prepared: what is variable there is fixed here, for many a model
    computes with the sides of the call that the exporter follows.
    """
    told = json_object.read(folder / "preprocessor_config.json") or {}
    sizes = (
        told.get("crop_size") if told.get("do_center_crop") else None,
        told.get("size"),
        getattr(config, "image_size", None),
    )
    height, width = next((found for size in sizes if (found := _sides(size))), (_SIDE, _SIDE))
    return int(getattr(config, "num_channels", 3)), height, width


def _sides(size: Any) -> tuple[int, int] | None:
    if isinstance(size, dict):
        sides = [size.get("height", size.get("shortest_edge")), size.get("width", size.get("shortest_edge"))]
    else:
        sides = [*size][:2] if isinstance(size, list | tuple) else [size, size]
    known = [side for side in sides if isinstance(side, int) and 0 < side <= _MOST_SIDE]
    return (known[0], known[1]) if len(known) == len(sides) == 2 else None

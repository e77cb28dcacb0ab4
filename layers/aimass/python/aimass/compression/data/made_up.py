"""Rows made up for calibration where the user gives none: good for ranges, for nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np

from aimass.compression.data.limits import SEED
from aimass.domain.description import Column, Description, ImageInput
from aimass.domain.model import TensorSpec, Version
from aimass.inference.dataplane import Media, Pictures, Rows, Texts
from aimass.inference.described.inputs import described_inputs
from aimass.inference.described.pictures import pillow
from aimass.inference.described.tokenizers import OpenStored

Array = np.ndarray[Any, Any]

_SIDE = 224
_LONGEST_TEXT = 60
_TEXT = (
    "the of and to a in is it was for on are with they be at one have this from by not but what all were when we there "
    "can an your which said if do will each about how up out them then she many some so these would other into more "
    "good bad great poor never always people time day film price red 2024 hello thanks error file number city water"
)
_WORDS = _TEXT.split()


def made_up_rows(
    version: Version, open_stored: OpenStored, like: Mapping[str, Array] | None = None, rows: int = 128
) -> dict[str, Array] | None:
    """Inputs, the first dimension being the row, the same each time; None where nothing tells how they should look.

    Of a version that takes pictures, texts or table rows: such ones, encoded as a prediction is. Else like the inputs
    of a call that is known to run, the sample's or what the import made up: floats with their mean and spread, whole
    numbers and texts from among theirs, so that none is beyond a table in the model.
    """
    random = np.random.default_rng(SEED)
    media = _media(version, rows, random)
    if media is not None:
        return described_inputs(version, media, open_stored)
    if not like or any(spec.name not in like for spec in version.inputs):
        return None
    if any(not array.ndim or len(array) != _rows_of(like) for array in like.values()):
        return None
    return {spec.name: _alike(np.asarray(like[spec.name]), rows, random) for spec in version.inputs}


def _rows_of(like: Mapping[str, Array]) -> int:
    return len(next(iter(like.values())))


def _media(version: Version, rows: int, random: np.random.Generator) -> Media | None:
    description = version.description or Description()
    if description.image:
        spec = next(one for one in version.inputs if one.name == description.image.input)
        size = _size(spec, description.image)
        return Pictures(tuple(_picture(size, at, random) for at in range(rows)))
    if description.text:
        return Texts(tuple(_text(random) for _ in range(rows)))
    if description.table:
        columns = description.table.columns
        return Rows(tuple({one.name: _cell(one, version, random) for one in columns} for _ in range(rows)))
    return None


def _size(spec: TensorSpec, how: ImageInput) -> tuple[int, int]:
    """Width and height that become the input's size, whatever the description does to them."""
    sides = spec.shape[2:4] if how.layout == "NCHW" else spec.shape[1:3]
    if how.color == "gray" and len(spec.shape) == 3:
        sides = spec.shape[1:]
    height, width = (side if side > 0 else _SIDE for side in (*sides, -1, -1)[:2])
    return width, height


def _picture(size: tuple[int, int], at: int, random: np.random.Generator) -> bytes:
    """Coarse to fine: noise of 2 to 64 dots a side, made larger."""
    dots = 2 << at % 6
    pixels = random.integers(0, 256, (dots, dots, 3), np.uint8)
    raw = BytesIO()
    pillow().fromarray(pixels).resize(size, pillow().Resampling.BICUBIC).save(raw, "BMP")
    return raw.getvalue()


def _text(random: np.random.Generator) -> str:
    count = int(random.integers(1, _LONGEST_TEXT))
    return " ".join(_WORDS[at] for at in random.integers(0, len(_WORDS), count))


def _cell(column: Column, version: Version, random: np.random.Generator) -> Any:
    if column.values:
        return column.values[int(random.integers(len(column.values)))]
    datatype = next(spec.datatype for spec in version.inputs if spec.name == column.input)
    if datatype == "BYTES":
        return _WORDS[int(random.integers(len(_WORDS)))]
    if "INT" in datatype or datatype == "BOOL":
        return int(random.integers(2))
    return float(random.standard_normal())


def _alike(array: Array, rows: int, random: np.random.Generator) -> Array:
    shape = (rows, *array.shape[1:])
    if not array.size:
        return np.empty(shape, array.dtype)
    if array.dtype.kind in "fV":
        values = array.astype(np.float64)
        values = values[np.isfinite(values)]
        mean, spread = (float(values.mean()), float(values.std())) if values.size else (0.0, 1.0)
        return (mean + (spread or 1.0) * random.standard_normal(shape)).astype(array.dtype)
    flat = array.reshape(-1)
    return flat[random.integers(0, flat.size, int(np.prod(shape)))].reshape(shape)

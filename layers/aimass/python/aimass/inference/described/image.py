"""Pictures as one tensor: resize, crop, scale, mean, std, layout, as a description says."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from aimass.domain.datatypes import FLOATS
from aimass.domain.description import ImageInput, Resize
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec
from aimass.inference.described.pictures import MOST_PIXELS, bad_picture, decoded, open_picture, pillow
from aimass.inference.tensors import Array, numpy_dtype

MOST_PIXELS_TOGETHER = 200_000_000
MOST_VALUES = 1 << 27  # of the tensor: 512 MiB of FP32

_Size = tuple[int, int]  # width, height, as Pillow has it


def image_input(spec: TensorSpec, how: ImageInput, files: Sequence[bytes]) -> Array:
    """The pictures as [rows, channels, height, width], or in the layout described, of the input's datatype.

    An input of three dimensions takes gray pictures as [rows, height, width]. Raises InvalidArguments naming the
    picture that cannot be read, is too large, or has another size than the input or the pictures before it.
    """
    opened = deque(open_picture(at, data) for at, data in enumerate(files))
    _check_amount(how, [image.size for image in opened])
    tables = _tables(spec.datatype, how)
    batch, size = np.empty(0), (0, 0)
    for at in range(len(files)):
        # One decoded picture at a time: the last reference goes before the next is decoded.
        image = _cropped(_resized(decoded(at, opened.popleft(), how.color), how.resize), how.crop)
        if at == 0:
            batch, size = _empty(spec, how, len(files), image.size), image.size
        if image.size != size:
            raise bad_picture(at, f"is {_text(image.size)} and picture 0 {_text(size)}: {_ADVICE}")
        _fill(batch[at], np.asarray(image), how, tables)
    return batch


_ADVICE = "pictures of one call must have one size; let the description resize them, or send one picture a call"


def _text(size: _Size) -> str:
    return f"{size[0]} x {size[1]} pixels (width x height)"


def _check_amount(how: ImageInput, sizes: Sequence[_Size]) -> None:
    """Raises InvalidArguments before anything is decoded. Turning a picture upright changes no number of pixels."""
    pixels = values = 0
    for at, size in enumerate(sizes):
        resized = _resized_size(size, how.resize)
        if resized[0] * resized[1] > MOST_PIXELS:
            raise bad_picture(
                at, f"is {_text(size)} and would be {_text(resized)} once resized; at most {MOST_PIXELS} pixels"
            )
        final = how.crop or resized
        pixels += max(size[0] * size[1], resized[0] * resized[1])
        values += final[0] * final[1] * (1 if how.color == "gray" else 3)
    if pixels > MOST_PIXELS_TOGETHER or values > MOST_VALUES:
        told = (
            f"the pictures have {pixels} pixels together and make {values} numbers; a call takes at most "
            f"{MOST_PIXELS_TOGETHER} pixels and {MOST_VALUES} numbers: send fewer a call"
        )
        raise InvalidArguments(told, fields={"data": told})


def _resized_size(size: _Size, resize: Resize | None) -> _Size:
    if not resize:
        return size
    if resize.shorter is None:
        return resize.width or size[0], resize.height or size[1]
    shorter, longer = sorted(size)
    other = max(1, int(resize.shorter * longer / shorter))  # rounded down, as torchvision does
    return (resize.shorter, other) if size[0] <= size[1] else (other, resize.shorter)


def _resized(image: Any, resize: Resize | None) -> Any:
    size = _resized_size(image.size, resize)
    if not resize or size == image.size:
        return image
    return image.resize(size, getattr(pillow().Resampling, resize.interpolation.upper()))


def _cropped(image: Any, crop: tuple[int, int] | None) -> Any:
    """The middle; where the picture is smaller, black is put around it first. Both are rounded as torchvision does."""
    if not crop or crop == image.size[::-1]:
        return image
    height, width = crop
    left, top = (_start(have, want) for have, want in zip(image.size, (width, height), strict=True))
    return image.crop((left, top, left + width, top + height))


def _start(have: int, want: int) -> int:
    return -((want - have) // 2) if have < want else round((have - want) / 2)


def _empty(spec: TensorSpec, how: ImageInput, rows: int, size: _Size) -> Array:
    """Room for all rows. Raises InvalidArguments where pictures of this size do not fit the input."""
    channels = 1 if how.color == "gray" else 3
    shape: tuple[int, ...] = {"NCHW": (channels, size[1], size[0]), "NHWC": (size[1], size[0], channels)}[how.layout]
    if how.color == "gray" and len(spec.shape) == 3:
        shape = (size[1], size[0])
    want = spec.shape[1:] or shape
    if len(want) != len(shape) or any(one not in {-1, got} for one, got in zip(want, shape, strict=True)):
        raise bad_picture(
            0,
            f"is {_text(size)} once prepared, a row of shape {list(shape)}; input {spec.name!r} wants rows of shape "
            f"{list(want)}: send pictures of that size, or describe `resize` and `crop`",
        )
    return np.empty((rows, *shape), numpy_dtype(spec.datatype))


def _tables(datatype: str, how: ImageInput) -> Array:
    """What each of the 256 values of each channel becomes: [channels, 256], computed in float64 and rounded once."""
    channels = 1 if how.color == "gray" else 3
    mean, std = (
        np.array(given or [default] * channels)[:, np.newaxis] for given, default in ((how.mean, 0), (how.std, 1))
    )
    values: Array = (np.arange(256) * how.scale - mean) / std
    dtype = numpy_dtype(datatype)
    if datatype in FLOATS:
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    rounded: Array = np.rint(values).clip(limits.min, limits.max)
    return rounded.astype(dtype)


def _fill(row: Array, pixels: Array, how: ImageInput, tables: Array) -> None:
    """Writes a picture's numbers into its place. `pixels` is [height, width] or [height, width, RGB], of UINT8."""
    if pixels.ndim == 2:
        np.take(tables[0], pixels, out=row.reshape(pixels.shape), mode="clip")
        return
    for channel, table in enumerate(tables):
        source = pixels[:, :, 2 - channel if how.color == "BGR" else channel]
        target = row[channel] if how.layout == "NCHW" else row[:, :, channel]
        target[...] = table.take(source, mode="clip")

"""Picture files as pixels: recognised by content, bounded before they are decoded, upright, in an input's colors."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import Any, Literal

import numpy as np

from aimass.domain.errors import InvalidArguments

Color = Literal["RGB", "BGR", "gray"]

MOST_PIXELS = 50_000_000  # of one picture, 4 bytes each
_MOST_PIXELS_OF = {"WEBP": 20_000_000}  # its decoder takes 16 bytes for each
_ORIENTATION = 0x0112
_FORMATS = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "WEBP": (b"RIFF",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "BMP": (b"BM",),
    "TIFF": (b"II*\0", b"MM\0*"),
}
_PLUGINS = {"WEBP": "WebPImagePlugin", "TIFF": "TiffImagePlugin"}  # the others are loaded by Pillow at first use
_TILES = (322, 323)  # TIFF's TileWidth and TileLength


def bad_picture(at: int, what: str) -> InvalidArguments:
    """The error that names a picture, from 0, and says what is wrong with it."""
    return InvalidArguments(f"picture {at}: {what}", fields={f"picture {at}": what})


@cache
def pillow() -> Any:
    """Pillow's `Image`, loaded with the first picture."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # it would warn and raise where `open_picture` has refused by less
    return Image


def open_picture(at: int, data: bytes) -> Any:
    """The file with its header read and nothing decoded. Raises InvalidArguments for no picture, or one too large."""
    kind = _kind(data)
    if not kind:
        raise bad_picture(at, f"is none of {', '.join(_FORMATS)}, which are recognised by their content")
    with _reading(at):
        if kind in _PLUGINS:
            importlib.import_module(f"PIL.{_PLUGINS[kind]}")
        image = pillow().open(BytesIO(data), formats=[kind])
        tile = [int(image.tag_v2.get(tag, 0)) for tag in _TILES] if kind == "TIFF" else [0, 0]
    most = _MOST_PIXELS_OF.get(kind, MOST_PIXELS)
    for what, (width, height) in (("is", image.size), ("has a tile of", tile)):
        if width * height > most:
            raise bad_picture(at, f"{what} {width} x {height} pixels; at most {most} are decoded: send it smaller")
    return image


def decoded(at: int, image: Any, color: Color) -> Any:
    """The picture turned as its EXIF orientation says, in mode L for gray, else RGB.

    Transparency is dropped, as training code does that says `convert("RGB")`; 16 bits become their upper 8; of an
    animation the first frame is taken. Raises InvalidArguments naming a picture that is truncated or corrupt.
    """
    with _reading(at):
        image.load()
        image = _upright(image)
        if image.mode in {"I", "F"}:
            raise bad_picture(at, "has 32 bits a channel, whose range nothing tells; send 8 or 16 bits")
        if image.mode.startswith("I;16"):
            image = pillow().fromarray((np.asarray(image) >> 8).astype(np.uint8))
        image.info.pop("transparency", None)  # of which `convert` would warn
        mode = "L" if color == "gray" else "RGB"
        return image if image.mode == mode else image.convert(mode)


def _upright(image: Any) -> Any:
    turn = pillow().Transpose
    turns = {
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_270,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_90,
    }
    orientation = image.getexif().get(_ORIENTATION)
    return image.transpose(turns[orientation]) if orientation in turns else image


def _kind(data: bytes) -> str | None:
    for kind, starts in _FORMATS.items():
        if data.startswith(starts) and (kind != "WEBP" or data[8:12] == b"WEBP"):
            return kind
    return None


@contextmanager
def _reading(at: int) -> Iterator[None]:
    """Turns what Pillow raises, which for a broken file may be anything, into an error that names the picture."""
    try:
        yield
    except (InvalidArguments, MemoryError):
        raise
    except Exception as error:
        why = "" if "_io.BytesIO" in str(error) else f": {str(error)[:200]}"
        raise bad_picture(at, f"cannot be read, it is truncated or corrupt{why}") from error

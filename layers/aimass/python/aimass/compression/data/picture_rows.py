"""Pictures as a version's input, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aimass.compression.data.encoding import most_rows, plain_text
from aimass.compression.data.limits import Limits, wrong
from aimass.compression.data.pictures import Album
from aimass.compression.data.sampling import chosen
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import Version
from aimass.formats.member import shown
from aimass.inference.dataplane import Pictures
from aimass.inference.described.inputs import described_inputs

Array = np.ndarray[Any, Any]
Inputs = dict[str, Array]


def encode_pictures(version: Version, album: Album, limits: Limits) -> tuple[Inputs, list[int]]:
    """The inputs, and which pictures they are: a sample where all would be more than may be held.

    Raises InvalidArguments naming a picture that can't be read.
    """
    open_none: Any = None

    def encode(files: Sequence[bytes]) -> Inputs:
        return described_inputs(version, Pictures(tuple(files)), open_none)

    first = _one_picture(album.paths[0], encode, next(album.read(album.paths[:1]))[1])
    (name, row), *_ = first.items()
    numbers = chosen(len(album.paths), most_rows(limits, row.nbytes))
    places = {album.paths[number]: at for at, number in enumerate(numbers)}
    out = np.empty((len(numbers), *row.shape[1:]), row.dtype)
    for path, data in album.read(list(places)):
        one = _one_picture(path, encode, data)[name]
        if one.shape != row.shape:
            told = f"becomes {list(one.shape[1:])} and {shown(album.paths[0])} {list(row.shape[1:])}"
            raise wrong(shown(path), f"{told}: send pictures of one size, or let the description resize them")
        out[places[path]] = one[0]
    return {name: out}, numbers


def _one_picture(path: str, encode: Callable[[Sequence[bytes]], Inputs], data: bytes) -> Inputs:
    try:
        return encode([data])
    except InvalidArguments as error:
        raise wrong(path, plain_text(error)) from None

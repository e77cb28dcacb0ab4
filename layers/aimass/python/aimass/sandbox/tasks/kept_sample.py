"""A row that both models took, kept for what runs the ONNX model next, which knows none of the words that it takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np

from aimass.domain.conversion import MAX_SAMPLE_BYTES, SAMPLE
from aimass.sandbox.tasks.calls import Call
from aimass.sandbox.tasks.compared import array_of, doubles
from aimass.sandbox.tasks.session import Feed

_HEADERS = 1024  # bytes of the file, by array


def kept_sample(inputs: Sequence[Any], calls: Sequence[Call]) -> Feed | None:
    """The fewest rows that both models answered with numbers, as arrays that need no pickle; None where there are none.

    None too where more than the number of rows varies: a model's memory is not measured on the smallest picture.
    """
    if any(not isinstance(size, int) for one in inputs for size in (one.shape or (None, None))[1:]):
        return None
    for call in sorted(filter(_is_answered, calls), key=lambda one: one.batch.rows):
        arrays = {name: _plain(value) for name, value in call.batch.feed.items()}
        kept = {name: value for name, value in arrays.items() if value is not None}
        if len(kept) == len(arrays) and sum(value.nbytes + _HEADERS for value in kept.values()) <= MAX_SAMPLE_BYTES:
            return kept
    return None


def write_sample(folder: Path, sample: Feed | None) -> tuple[str, ...]:
    """The file's name, if one was written."""
    if not sample:
        return ()
    with ZipFile(folder / SAMPLE, "w") as archive:  # numpy.savez takes no array that is called `file`
        for name, array in sample.items():
            with archive.open(ZipInfo(f"{name}.npy"), "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return (SAMPLE,)


def _is_answered(call: Call) -> bool:
    numbers = [array_of(value) for value in call.onnx.values()]
    return all(bool(np.isfinite(doubles(one)).all()) for one in numbers if one.dtype.kind == "f")


def _plain(value: Any) -> np.ndarray[Any, Any] | None:
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biufO":
        return None
    if value.dtype.kind != "O":
        return value
    texts = value.astype(str)
    return texts if np.array_equal(texts.astype(object), value) else None  # numpy drops a NUL at a text's end

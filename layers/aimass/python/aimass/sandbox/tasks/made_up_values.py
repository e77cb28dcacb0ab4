"""The values of inputs made up for a replay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

from aimass.formats.converter import Wanted
from aimass.inference.tensors import numpy_dtype

Fill = Literal["random", "zeros", "ends", "phrases", "unusual"]
Array = np.ndarray[Any, Any]

_WORDS = ("a", "b", "red", "large", "yes", "2024")
_UNUSUAL = (
    "",
    " ",
    "Ünïcödé straße",
    "İstanbul",
    "日本語のテキスト",
    "a\tb\nc",
    'it\'s "quoted"',
    "x" * 300,
    "-1.5e3",
    "😀",
)
_LONGEST_PHRASE = 12


def dtype_of(one: Wanted) -> np.dtype[Any]:
    """Strings are objects, as the runtime takes them."""
    if one.dtype == "str":
        return np.dtype(object)
    return numpy_dtype("BF16") if one.dtype == "bfloat16" else np.dtype(one.dtype)


def flat_near(one: Wanted) -> Iterator[tuple[int, Any]]:
    """Columns with each value at which the model decides, and its neighbours on both sides in the input's own type."""
    for column, values in one.near.items():
        for value in values:
            yield from ((column, neighbour) for neighbour in _neighbours(value, dtype_of(one)))


def by_column(array: Array) -> Array:
    """The array itself as a table, whose columns are its last dimension's; one for an array of one dimension."""
    return array.reshape(-1, array.shape[-1] if array.ndim > 1 else 1)


def filled(one: Wanted, shape: tuple[int, ...], fill: Fill, random: np.random.Generator) -> Array:
    """An array of the input's type. Zeros and ends are for floats; whole numbers are drawn."""
    dtype = dtype_of(one)
    if dtype.kind == "O":
        return _texts(one.words or _WORDS, shape, fill, random)
    if dtype.kind == "b":
        return random.integers(0, 2, shape).astype(dtype)
    if dtype.kind in "iu":
        # Drawn as Python's own numbers: the ends of int64 and uint64 are exact.
        low, high = max(int(one.low), np.iinfo(dtype).min), min(int(one.high), np.iinfo(dtype).max)
        drawn = random.integers(low, high, shape, dtype=np.uint64 if high >= 1 << 63 else np.int64, endpoint=True)
        return _with_near(one, np.asarray(drawn).astype(dtype), random)
    return _floats(one, shape, fill, random)


def _floats(one: Wanted, shape: tuple[int, ...], fill: Fill, random: np.random.Generator) -> Array:
    dtype = dtype_of(one)
    if fill == "zeros":
        return np.full(shape, min(max(0.0, one.low), one.high)).astype(dtype)
    if fill == "ends":
        ends = random.choice(np.array([one.low, one.high]), shape)
        if ends.ndim and len(ends) > 1:
            ends[0], ends[1] = one.low, one.high
        return np.asarray(ends).astype(dtype)
    # Halves of the range first: the whole of it may be more than a double holds.
    values = one.low + (one.high / 2 - one.low / 2) * 2 * random.random(shape)
    return _with_near(one, np.asarray(values).astype(dtype), random)


def _with_near(one: Wanted, array: Array, random: np.random.Generator) -> Array:
    """With one value in three of each such column set to one at which the model decides, or its neighbour."""
    if not array.ndim:
        return array
    columns = by_column(array)
    near: dict[int, list[Any]] = {}
    for column, value in flat_near(one):
        near.setdefault(column, []).append(value)
    for column, values in near.items():
        chosen = random.random(len(columns)) < 1 / 3
        columns[chosen, column] = np.array(values, array.dtype)[random.integers(0, len(values), int(chosen.sum()))]
    return array


def _neighbours(value: float, dtype: np.dtype[Any]) -> Sequence[Any]:
    if dtype.kind in "iu":
        bounds = np.iinfo(dtype)
        return [one for one in (int(value) - 1, int(value), int(value) + 1) if bounds.min <= one <= bounds.max]
    if dtype.kind != "f":
        return [value]
    exact = np.asarray(value).astype(dtype)[()]
    return [exact, np.nextafter(exact, dtype.type(np.inf)), np.nextafter(exact, dtype.type(-np.inf))]


def _texts(words: Sequence[str], shape: tuple[int, ...], fill: Fill, random: np.random.Generator) -> Array:
    texts = np.empty(shape, object)
    flat = texts.reshape(-1)
    for index in range(flat.size):
        flat[index] = _text(words, fill, random)
    return texts


def _text(words: Sequence[str], fill: Fill, random: np.random.Generator) -> str:
    if fill == "unusual":
        return _UNUSUAL[int(random.integers(len(_UNUSUAL)))]
    count = int(random.integers(2, _LONGEST_PHRASE)) if fill == "phrases" else 1
    return " ".join(words[int(random.integers(len(words)))] for _ in range(count))

"""Rows in three parts that share none: what is calibrated on, what candidates are compared on, what is asked last."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aimass.compression.rows import Data

Array = np.ndarray[Any, Any]

MOST_CALIBRATION, LEAST_CALIBRATION = 512, 128
MOST_CHOOSING = 2_000
_FEW = 3 * LEAST_CALIBRATION
_STRATA = 1_000  # classes; of more there are too few rows each


@dataclass(frozen=True)
class Sizes:
    """How many rows each part has."""

    calibration: int
    choosing: int
    held_out: int


@dataclass(frozen=True)
class Splits:
    """Numbers of rows, ascending. `digest` is of the data, and what the split was drawn by."""

    calibration: Array
    choosing: Array
    held_out: Array
    digest: str
    notes: tuple[str, ...] = ()


def sizes(rows: int) -> Sizes:
    """A quarter for calibration, from 128 where there are 384 rows up to 512; two thirds of the rest are held out."""
    calibration = min(MOST_CALIBRATION, max(rows // 4, LEAST_CALIBRATION if rows >= _FEW else 0))
    choosing = min(MOST_CHOOSING, (rows - calibration) // 3)
    return Sizes(calibration, choosing, rows - calibration - choosing)


def rows_for_held_out(wanted: int) -> int:
    """How many rows there must be that so many are held out."""
    low, high = 0, 2 * wanted + MOST_CALIBRATION + 4  # half of the rows and more are held out
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if _least_held_out(middle) < wanted else (low, middle)
    return low


def _least_held_out(rows: int) -> int:
    """Of so many rows or any more: the part shrinks where calibration gets its least."""
    return min(sizes(rows).held_out, sizes(_FEW).held_out) if rows < _FEW else sizes(rows).held_out


def split(data: Data) -> Splits:
    """The same rows give the same parts. Where labels are classes, each part has them in the proportions of the whole.

    Of rows whose inputs are equal byte for byte only the first is in a part: the others are answered the same, and tell
    nothing more. Their labels, where those differ, count for nothing.
    """
    digests = row_digests(data.inputs)
    digest = _digest(data, digests)
    first: dict[bytes, int] = {}
    for row, one in enumerate(digests):
        first.setdefault(one, row)
    order = _order(data, np.array(list(first.values()), np.int64), int(digest[:16], 16))
    wanted = sizes(len(order))
    pieces = np.split(order, [wanted.calibration, wanted.calibration + wanted.choosing])
    calibration, choosing, held_out = map(np.sort, pieces)
    return Splits(calibration, choosing, held_out, digest, _notes(wanted, len(data), len(order)))


def row_digests(inputs: Mapping[str, Array]) -> list[bytes]:
    """A digest of each row's inputs. Texts count by their characters."""
    rows = min((len(array) for array in inputs.values()), default=0)
    hashes = [hashlib.blake2b(digest_size=16) for _ in range(rows)]
    for name in sorted(inputs):
        array = inputs[name]
        for row, one in enumerate(hashes):
            one.update(_texts(array[row]) if array.dtype.kind == "O" else np.ascontiguousarray(array[row]).tobytes())
    return [one.digest() for one in hashes]


def _texts(values: Any) -> bytes:
    raw = [str(one).encode() for one in np.asarray(values, object).reshape(-1)]
    return b"".join(len(one).to_bytes(8, "little") + one for one in raw)


def _digest(data: Data, rows: Sequence[bytes]) -> str:
    whole = hashlib.sha256(repr([(name, str(array.dtype)) for name, array in sorted(data.inputs.items())]).encode())
    for one in rows:
        whole.update(one)
    if data.labels is not None:
        whole.update(f"{data.labels.kind} {data.labels.values.dtype} {data.labels.values.shape}".encode())
        whole.update(np.ascontiguousarray(data.labels.values).tobytes())
    return whole.hexdigest()


def _order(data: Data, rows: Array, seed: int) -> Array:
    """Rows in an order of which each piece has the classes in proportion.

    Each class's rows, shuffled, are spread evenly over 0 to 1, each at a random place within its step.
    """
    generator = np.random.default_rng(seed)
    classes = _classes(data, rows)
    places = np.empty(len(rows))
    for one in np.unique(classes):
        members = generator.permutation(np.flatnonzero(classes == one))
        places[members] = (np.arange(len(members)) + generator.random(len(members))) / len(members)
    return np.asarray(rows[np.argsort(places, kind="stable")])


def _classes(data: Data, rows: Array) -> Array:
    labels = data.labels
    if labels is None or labels.kind != "classes" or labels.values.ndim > 1:
        return np.zeros(len(rows), np.int64)
    distinct, numbers = np.unique(labels.values[rows], return_inverse=True)
    return numbers if len(distinct) <= _STRATA else np.zeros(len(rows), np.int64)


def _notes(parts: Sizes, rows: int, different: int) -> tuple[str, ...]:
    notes = []
    if different < rows:
        notes.append(f"{rows} rows, {different} different: rows that are equal byte for byte count once")
    if parts.calibration < LEAST_CALIBRATION:
        notes.append(
            f"few rows: {parts.calibration} for calibration, {parts.choosing} for choosing, {parts.held_out} held out; "
            f"from {_FEW} different rows on, {LEAST_CALIBRATION} are for calibration, which pruning needs"
        )
    return tuple(notes)

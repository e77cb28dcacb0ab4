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

    Rows whose inputs are equal byte for byte come into one part, so that parts may differ a little from their sizes.
    """
    digests = row_digests(data.inputs)
    digest = _digest(data, digests)
    groups: dict[bytes, list[int]] = {}
    for row, one in enumerate(digests):
        groups.setdefault(one, []).append(row)
    order = _order(data, list(groups.values()), int(digest[:16], 16))
    parts = _filled(order, sizes(len(data)))
    calibration, choosing, held_out = (np.array(sorted(part), np.int64) for part in parts)
    notes = _notes((calibration, choosing, held_out), len(data) - len(groups))
    return Splits(calibration, choosing, held_out, digest, notes)


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


def _order(data: Data, groups: Sequence[list[int]], seed: int) -> list[list[int]]:
    """Groups in an order of which each piece has the classes in proportion.

    Each class's groups, shuffled, are spread evenly over 0 to 1, each at a random place within its step.
    """
    generator = np.random.default_rng(seed)
    classes = _classes(data, groups)
    places = np.empty(len(groups))
    for one in np.unique(classes):
        members = generator.permutation(np.flatnonzero(classes == one))
        places[members] = (np.arange(len(members)) + generator.random(len(members))) / len(members)
    return [groups[at] for at in np.argsort(places, kind="stable")]


def _classes(data: Data, groups: Sequence[list[int]]) -> Array:
    labels = data.labels
    if labels is None or labels.kind != "classes" or labels.values.ndim > 1:
        return np.zeros(len(groups), np.int64)
    distinct, numbers = np.unique(labels.values[[group[0] for group in groups]], return_inverse=True)
    return numbers if len(distinct) <= _STRATA else np.zeros(len(groups), np.int64)


def _filled(order: Sequence[list[int]], wanted: Sizes) -> tuple[list[int], list[int], list[int]]:
    """Each group goes into the first part that has room for all of it; the last takes what is left."""
    calibration: list[int] = []
    choosing: list[int] = []
    held_out: list[int] = []
    for group in order:
        if len(calibration) + len(group) <= wanted.calibration:
            calibration += group
        elif len(choosing) + len(group) <= wanted.choosing:
            choosing += group
        else:
            held_out += group
    return calibration, choosing, held_out


def _notes(parts: Sequence[Array], repeats: int) -> tuple[str, ...]:
    notes = []
    if repeats:
        notes.append(f"{repeats} rows repeat another byte for byte; equal rows were kept in one part")
    calibration, choosing, held_out = map(len, parts)
    if calibration < LEAST_CALIBRATION:
        notes.append(
            f"few rows: {calibration} for calibration, {choosing} for choosing, {held_out} held out; from {_FEW} rows "
            f"on, {LEAST_CALIBRATION} are for calibration, which pruning needs"
        )
    return tuple(notes)

"""A sample of rows from a stream that nobody has counted, the same each time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import numpy as np

from aimass.compression.data.limits import SEED, Limits, wrong

Row = TypeVar("Row")


def sampled(file: str, rows: Iterable[tuple[int, Row]], limits: Limits) -> tuple[list[Row], int]:
    """At most `limits.rows` of the rows, in their order, and how many there were. A row comes with its size in bytes.

    Vitter's reservoir: each row has the same chance. Raises InvalidArguments for more rows than are looked at, and for
    a sample that takes more memory than it may.
    """
    generator = np.random.default_rng(SEED)
    kept: list[tuple[int, int, Row]] = []
    held = count = 0
    for at, (size, row) in enumerate(rows):
        count = at + 1
        if count > limits.seen:
            raise wrong(file, f"more than {limits.seen} rows; send a sample of them, {limits.rows} are used")
        place = at if at < limits.rows else int(generator.integers(0, count))
        if place >= limits.rows:
            continue
        held += size
        if place < len(kept):
            held -= kept[place][1]
            kept[place] = (at, size, row)
        else:
            kept.append((at, size, row))
        if held > limits.held:
            raise wrong(file, f"its rows take more than {limits.held >> 20} MiB by row {at + 1}; send fewer rows")
    return [row for _, _, row in sorted(kept, key=lambda one: one[0])], count


def chosen(count: int, most: int) -> list[int]:
    """The numbers of at most `most` of `count` rows, in order."""
    if count <= most:
        return list(range(count))
    return sorted(np.random.default_rng(SEED).choice(count, most, replace=False).tolist())

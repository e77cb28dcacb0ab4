"""Rows that differ, few and short enough to be told, so that an owner can see them for himself."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from aimass.formats.member import shown
from aimass.sandbox.tasks.compared import Array, array_of, pair_of
from aimass.sandbox.tasks.judge import Judged
from aimass.sandbox.tasks.made_up import Batch
from aimass.sandbox.tasks.session import Feed

Answers = tuple[Batch, Mapping[str, Any], Mapping[str, Any]]

_MOST = 5
_MOST_BYTES = 3500
_MOST_VALUES, _FEW_VALUES, _MOST_COLUMNS = 40, 4, 4
_MOST_TEXT = 80


def examples_of(
    judged: Mapping[str, Judged], answers: Sequence[Answers], sides: tuple[str, str] = ("original", "onnx")
) -> list[dict[str, Any]]:
    """Up to 5 rows beyond the tolerance: their inputs, and both answers under the names of `sides`.

    `rounded` are the inputs as the ONNX model took them, where the original was given others.
    """
    rows = [row for name, one in judged.items() for row in _rows(name, one, answers)][:_MOST]
    found = [_example(*row, _MOST_VALUES, sides) for row in rows]
    while len(found) > 1 and len(json.dumps(found)) > _MOST_BYTES:
        found.pop()
    if found and len(json.dumps(found)) > _MOST_BYTES:
        found = [_example(*rows[0], _FEW_VALUES, sides)]
    return found if len(json.dumps(found)) <= _MOST_BYTES else []


def _rows(name: str, judged: Judged, answers: Sequence[Answers]) -> Iterator[tuple[str, Answers, int]]:
    if judged.difference.within:
        return
    for answer, beyond in zip(answers, judged.beyond, strict=True):
        for row in np.flatnonzero(beyond)[:_MOST]:
            yield name, answer, int(row)


def _example(name: str, answer: Answers, row: int, most: int, sides: tuple[str, str]) -> dict[str, Any]:
    batch, one, other = answer
    pair = pair_of(name, one, other, batch.rows)
    facts = {"output": shown(name), "from": batch.kind, "row": row}
    facts["inputs"] = _inputs(batch.exact, row, batch.rows, most)
    if batch.unrounded is not None:
        facts["rounded"] = _inputs(batch.feed, row, batch.rows, most)
    if pair.misfit:
        return facts | {"misfit": pair.misfit}
    reference, got = pair.reference[row], pair.got[row]
    if reference.size > _MOST_COLUMNS:
        column = _worst(reference, got)
        facts["column"] = column
        reference, got = reference[column : column + 1], got[column : column + 1]
    return facts | {sides[0]: _listed(reference, most), sides[1]: _listed(got, most)}


def _inputs(feed: Feed, row: int, rows: int, most: int) -> dict[str, Any]:
    return {shown(key): _listed(_row(array_of(value), row, rows), most) for key, value in feed.items()}


def _row(array: Array, row: int, rows: int) -> Array:
    row_of: Array = array[row] if array.ndim and len(array) == rows else array
    return np.asarray(row_of)


def _worst(reference: Array, got: Array) -> int:
    if reference.dtype.kind == "f" and got.dtype.kind == "f":
        apart = np.abs(reference.astype(np.float64) - got.astype(np.float64))
        return int(np.argmax(np.nan_to_num(apart, nan=np.inf)))
    return int(np.argmax(reference.astype(object) != got.astype(object)))


def _listed(array: Array, most: int) -> Any:
    values = [_plain(value) for value in array.ravel()[:most].tolist()]
    return [*values, f"… {array.size} values"] if array.size > most else values


def _plain(value: Any) -> Any:
    """As JSON has it: NaN and the infinities are words."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if isinstance(value, bool | int) else shown(str(value))[:_MOST_TEXT]

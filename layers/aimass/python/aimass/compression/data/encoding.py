"""Rows, texts and pictures as a version's inputs, by the functions that a prediction is read with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from aimass.compression.data.limits import Limits, is_label, wrong
from aimass.compression.data.sampling import chosen
from aimass.compression.data.tables import Record
from aimass.domain.datatypes import FLOATS
from aimass.domain.errors import AimassError
from aimass.domain.model import TensorSpec, Version
from aimass.inference.dataplane import Rows, Texts
from aimass.inference.described.cells import number_of, numbers_of
from aimass.inference.described.inputs import described_inputs
from aimass.inference.described.tokenizers import OpenStored
from aimass.inference.tensors import brief
from aimass.inference.values import decode_columns, decode_rows, decode_value

Array = np.ndarray[Any, Any]
Inputs = dict[str, Array]
_AT_ONCE = 1_000  # rows
_NUMBERED = ("row 0: ", "text 0: ", "picture 0: ")


def encode_records(
    file: str, version: Version, records: Sequence[Record], limits: Limits, open_stored: OpenStored
) -> tuple[Inputs, list[Any] | None, list[str]]:
    """The inputs, the labels if there are any, and what errors call each row.

    Raises InvalidArguments naming the file, and the row and column at fault.
    """
    encode = _encoder(version, open_stored)
    rows, labels = _without_labels(file, version, records[:1])
    size = sum(array.nbytes for array in _located(file, records[:1], rows, encode).values())
    kept = [records[at] for at in chosen(len(records), most_rows(limits, size))]
    together = len(kept) if version.description and version.description.text else _AT_ONCE
    parts: list[Inputs] = []
    labels = None if labels is None else []
    for at in range(0, len(kept), together):
        some = kept[at : at + together]
        rows, more = _without_labels(file, version, some)
        if (labels is None) != (more is None):
            raise wrong(file, f"{some[0].where}: give a label in each row or in none")
        if labels is not None:
            labels += more or []
        parts.append(_located(file, some, rows, encode))
    return _joined(file, parts), labels, [record.where for record in kept]


def most_rows(limits: Limits, row_bytes: int) -> int:
    """How many rows of that size are used."""
    return min(limits.rows, max(1, limits.encoded // max(row_bytes, 1)))


def _joined(file: str, parts: Sequence[Inputs]) -> Inputs:
    try:
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    except (KeyError, ValueError):
        raise wrong(file, "its rows differ in the inputs that they give, or in their shape") from None


def _without_labels(file: str, version: Version, records: Sequence[Record]) -> tuple[list[Any], list[Any] | None]:
    """What each row holds beside its label, and the labels."""
    rows: list[Any] = []
    labels: list[Any] = []
    known = _known(version)
    for record in records:
        try:
            row = record.read()
        except ValueError as error:
            raise wrong(file, f"{record.where} {error}") from None
        found = [key for key in row if is_label(key) and key not in known] if isinstance(row, dict) else []
        if len(found) > 1:
            raise wrong(file, f"{record.where}: which is the label, {' or '.join(map(repr, found))}?")
        if found:
            labels.append(row.pop(found[0]))
        if len(labels) not in {0, len(rows) + 1}:
            raise wrong(file, f"{record.where}: give a label in each row or in none")
        rows.append(row)
    return rows, labels or None


def _known(version: Version) -> set[str]:
    table = version.description.table if version.description else None
    return {spec.name for spec in version.inputs} | ({column.name for column in table.columns} if table else set())


def _located(file: str, records: Sequence[Record], rows: list[Any], encode: Callable[[list[Any]], Inputs]) -> Inputs:
    """Encodes; where that fails, the first row at fault is looked for by halves."""
    try:
        return encode(rows)
    except (AimassError, ValueError, TypeError, KeyError, OverflowError) as error:
        if len(rows) == 1:
            raise wrong(file, f"{records[0].where}: {plain_text(error)}") from None
        half = len(rows) // 2
        for part in (slice(half), slice(half, None)):
            _located(file, records[part], rows[part], encode)
        raise wrong(file, f"{records[0].where} to {records[-1].where}: {plain_text(error)}") from None


def plain_text(error: Exception) -> str:
    """The error's text, without the number that the only row has by itself."""
    text = error.message if isinstance(error, AimassError) else str(error)
    return next((text.removeprefix(start) for start in _NUMBERED if text.startswith(start)), text)[:600]


def _encoder(version: Version, open_stored: OpenStored) -> Callable[[list[Any]], Inputs]:
    description = version.description
    if description and description.table:
        return lambda rows: described_inputs(version, Rows(tuple(_mapping(row) for row in rows)), open_stored)
    if description and description.text:
        return lambda rows: described_inputs(version, Texts(tuple(_text(version, row) for row in rows)), open_stored)
    return lambda rows: _tensors(version.inputs, rows)


def _mapping(row: Any) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise ValueError(f"wants an object of columns, got {brief(row)}")
    return row


def _text(version: Version, row: Any) -> str:
    """The only column beside the label, or the one called `text` or as the input."""
    if isinstance(row, dict):
        names = ["text", *(spec.name for spec in version.inputs)]
        found = next((name for name in names if name in row), None)
        if found is None and len(row) != 1:
            raise ValueError(f"has the columns {', '.join(map(repr, list(row)[:20]))}; which is 'text'?")
        row = row[found] if found else next(iter(row.values()))
    if not isinstance(row, str):
        raise ValueError(f"wants a text, got {brief(row)}")
    return row


def _tensors(specs: Sequence[TensorSpec], rows: list[Any]) -> Inputs:
    """Columns by the inputs' names; else all of them, in their order, as the only input's matrix; or JSON's values."""
    names = {spec.name for spec in specs}
    if not all(isinstance(row, dict) for row in rows):
        return decode_rows(specs, rows)
    if len(specs) == 1 and len(specs[0].shape) == 2 and not (names & rows[0].keys()):
        if unlike := next((row for row in rows if row.keys() != rows[0].keys()), None):
            raise ValueError(f"other columns than the row before: {', '.join(map(repr, list(unlike)[:20]))}")
        return {specs[0].name: decode_value(specs[0], [_cells(specs[0], list(row.values())) for row in rows])}
    if any(isinstance(cell, str) for cell in rows[0].values()):
        given = list(rows[0])
        columns = {name: [row.get(name) for row in rows] for name in given}
        of = {spec.name: spec for spec in specs}
        return decode_columns(
            specs, {name: _cells(of[name], column) if name in of else column for name, column in columns.items()}
        )
    return decode_rows(specs, rows)


def _cells(spec: TensorSpec, cells: list[Any]) -> list[Any]:
    """Text of numbers as numbers; what is no text stays."""
    if spec.datatype == "BYTES" or not any(isinstance(cell, str) for cell in cells):
        return cells
    if spec.datatype != "BOOL" and all(isinstance(cell, str) for cell in cells):
        numbers = numbers_of(cells, whole=spec.datatype not in FLOATS)
        if numbers is not None:
            return list(numbers)
    read: Iterator[Any] = (number_of(cell) if isinstance(cell, str) else cell for cell in cells)
    return [bool(one) for one in read] if spec.datatype == "BOOL" else list(read)

"""Pictures, texts and table rows in TensorFlow Serving's JSON: what a version's description turns into tensors."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from typing import Any

import pybase64

from aimass.domain.errors import InvalidArguments
from aimass.domain.model import Version
from aimass.inference.dataplane import Media, Pictures, Rows, Texts
from aimass.protocols.table_rows import are_cells


def media_of(version: Version, rows: Sequence[Any]) -> Media | None:
    """What the rows hold, or None where they are tensors.

    A picture is `{"b64": ...}`, a text a string, each also as the only value of an object; a table's row is an object
    of single values that names columns. Raises InvalidArguments for what is not base64.
    """
    description = version.description
    if description is None:
        return None
    if description.image and all(_is_picture(row) for row in rows):
        return Pictures(tuple(_bytes_of(_only(row)["b64"]) for row in rows))
    if description.text and all(isinstance(_only(row), str) for row in rows):
        return Texts(tuple(_only(row) for row in rows))
    if description.table and (not rows or are_cells(version, rows)):
        return Rows(tuple(rows))
    return None


def columns_as_rows(data: Any) -> list[Any]:
    """The rows of the column form: a value or a list of them, under its input's name or not; or columns of a table."""
    if isinstance(data, dict) and data.keys() != {"b64"}:
        columns = list(data.values())
        if len(data) > 1 and all(isinstance(one, list) and len(one) == len(columns[0]) for one in columns):
            return [dict(zip(data, row, strict=True)) for row in zip(*columns, strict=True)]
        if len(data) == 1 and isinstance(columns[0], list):
            return [{name: one} for name, values in data.items() for one in values]
    return data if isinstance(data, list) else [data]


def _only(row: Any) -> Any:
    """A row's value without the name that it may stand under."""
    if isinstance(row, dict) and len(row) == 1 and row.keys() != {"b64"}:
        return next(iter(row.values()))
    return row


def _is_picture(row: Any) -> bool:
    value = _only(row)
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _bytes_of(text: str) -> bytes:
    try:
        return pybase64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidArguments(f"b64 is not base64: {error}", fields={"b64": str(error)}) from error

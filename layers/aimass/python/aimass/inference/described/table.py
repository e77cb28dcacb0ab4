"""Table rows by column names as a model's inputs: numbers, categories, strings, missing cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from aimass.domain.datatypes import FLOATS
from aimass.domain.description import Column, TableInput
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec
from aimass.inference.described.cells import category_of, number_of, numbers_of, text_of
from aimass.inference.tensor_json import decode_tensor
from aimass.inference.tensors import Array, brief, numpy_dtype

_NAMED = 20  # columns in a message


def table_inputs(
    specs: Mapping[str, TensorSpec], how: TableInput, rows: Sequence[Mapping[str, Any]]
) -> dict[str, Array]:
    """The inputs of the rows: the columns of one input side by side, [rows, columns]; a single one as its shape wants.

    Raises InvalidArguments naming the row, counted from 0, and the column of a cell that cannot be read or is missing.
    """
    _check_columns(how, rows)
    grouped: dict[str, list[Column]] = {}
    for column in how.columns:
        grouped.setdefault(column.input, []).append(column)
    return {name: _side_by_side(specs[name], columns, rows) for name, columns in grouped.items()}


def _check_columns(how: TableInput, rows: Sequence[Mapping[str, Any]]) -> None:
    known = {column.name for column in how.columns}
    for at, row in enumerate(rows):
        if not row.keys() <= known:
            unknown, there_are = _listed(sorted(row.keys() - known)), _listed(column.name for column in how.columns)
            raise _bad_row(at, f"unknown column {unknown}; this model takes {there_are}")


def _listed(names: Iterable[str]) -> str:
    shown = [repr(name)[:80] for name in names]
    more = f" and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
    return ", ".join(shown[:_NAMED]) + more


def _bad_row(at: int, what: str) -> InvalidArguments:
    return InvalidArguments(f"row {at}: {what}", fields={f"row {at}": what})


def _side_by_side(spec: TensorSpec, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> Array:
    if len(columns) == 1 and len(spec.shape) == 1:
        return _column(spec, columns[0], rows)
    table = np.empty((len(rows), len(columns)), numpy_dtype(spec.datatype))
    for at, column in enumerate(columns):
        table[:, at] = _column(spec, column, rows)
    return table


def _column(spec: TensorSpec, column: Column, rows: Sequence[Mapping[str, Any]]) -> Array:
    """One column, [rows]. Numbers are decoded all at once; only where that fails is the cell at fault looked for."""
    cells = [row.get(column.name) for row in rows]
    numbers = _plain_numbers(spec, column, cells)
    values = _read_one_by_one(spec, column, cells) if numbers is None else numbers
    try:
        return decode_tensor(spec.name, spec.datatype, values)
    except InvalidArguments:
        for at, cell in enumerate(values):
            _check_cell(spec, column, at, cell)
        raise


def _plain_numbers(spec: TensorSpec, column: Column, cells: list[Any]) -> list[Any] | None:
    """The cells as numbers where there is nothing but plain ones; else None."""
    if column.values or spec.datatype in {"BYTES", "BOOL"}:
        return None
    types = set(map(type, cells))
    if types == {str}:
        return numbers_of(cells, whole=spec.datatype not in FLOATS)
    return cells if types <= {int, float} else None


def _read_one_by_one(spec: TensorSpec, column: Column, cells: list[Any]) -> list[Any]:
    read = _reader(spec, column)
    blank_is_text = spec.datatype == "BYTES" and not column.values
    full = [None if _is_empty(cell, blank_is_text) else cell for cell in cells]
    return [_cell(at, column, cell, read) for at, cell in enumerate(full)]


def _reader(spec: TensorSpec, column: Column) -> Callable[[Any], Any]:
    """How a cell of this column is read. It raises ValueError with what is wrong."""
    if column.values:
        numbers = {name: name if spec.datatype == "BYTES" else at for at, name in enumerate(column.values)}
        return lambda cell: category_of(cell, numbers)
    if spec.datatype == "BYTES":
        return text_of
    return number_of if spec.datatype != "BOOL" else lambda cell: bool(number_of(cell))


def _is_empty(cell: Any, blank_is_text: bool) -> bool:
    return cell == "" if blank_is_text else isinstance(cell, str) and not cell.strip()


def _cell(at: int, column: Column, cell: Any, read: Callable[[Any], Any]) -> Any:
    try:
        if cell is not None:
            return read(cell)
        if column.missing is None:
            raise ValueError("missing, and the description gives no value for missing cells")
        return _filled(column, read)
    except ValueError as error:
        raise _bad_row(at, f"column {column.name!r}: {error}") from None


def _filled(column: Column, read: Callable[[Any], Any]) -> Any:
    """In place of a category there may stand a number, such as -1, or NaN."""
    if not column.values or (isinstance(column.missing, str) and column.missing in column.values):
        return read(column.missing)
    return number_of(column.missing)


def _check_cell(spec: TensorSpec, column: Column, at: int, cell: Any) -> None:
    try:
        decode_tensor(spec.name, spec.datatype, [cell])
    except InvalidArguments:
        what = f"{brief(cell)} is no {spec.datatype}, or out of its range"
        raise _bad_row(at, f"column {column.name!r}: {what}") from None

"""Columns of text as an input's values, by the numbers' grammar that described tables have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aimass.domain.datatypes import FLOATS
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec
from aimass.inference.dataplane import Value
from aimass.inference.described.cells import number_of, numbers_of
from aimass.inference.tensor_json import decode_tensor
from aimass.inference.tensors import brief
from aimass.inference.values import decode_value
from aimass.protocols.native.csv_text import wrong_cells

_MOST_PROBLEMS = 10  # of a column


def read_columns(columns: Sequence[tuple[TensorSpec, str, Sequence[str]]], lines: Sequence[int]) -> list[list[Any]]:
    """The cells of each column as JSON has them. Raises InvalidArguments naming those that are something else."""
    values: list[list[Any]] = []
    found: list[tuple[int, str]] = []
    for spec, name, cells in columns:
        read, problems = _column(spec.datatype, cells)
        values.append(read)
        found += [(lines[at], f"column {name[:80]!r}: {what}") for at, what in problems]
    if found:
        raise wrong_cells(found)
    return values


def plain_values(datatype: str, cells: Sequence[str]) -> list[Any] | None:
    """Strings as they are, or numbers where nothing but plain ones comes; else None."""
    if datatype == "BYTES":
        return list(cells)
    numbers = None if datatype == "BOOL" else numbers_of(cells, whole=datatype not in FLOATS)
    return None if numbers is None else list(numbers)


def _column(datatype: str, cells: Sequence[str]) -> tuple[list[Any], list[tuple[int, str]]]:
    """The values, and what is wrong with rows, not all of them where there are many."""
    plain = plain_values(datatype, cells)
    if plain is not None:
        return plain, []
    values: list[Any] = []
    problems: list[tuple[int, str]] = []
    for at, cell in enumerate(cells):
        try:
            values.append(_boolean(cell) if datatype == "BOOL" else number_of(cell))
        except ValueError as error:
            problems.append((at, str(error)))
            if len(problems) == _MOST_PROBLEMS:
                break
    return values, problems


def _boolean(cell: str) -> bool:
    number = number_of(cell)
    if number not in {0, 1}:
        raise ValueError(f"wants true, false, 1 or 0, got {brief(cell)}")
    return bool(number)


def decoded(
    spec: TensorSpec, names: Sequence[str], columns: Sequence[list[Any]], lines: Sequence[int], data: list[Any]
) -> Value:
    """`data` as the input. Raises InvalidArguments naming the cells that its datatype cannot hold."""
    try:
        return decode_value(spec, data)
    except InvalidArguments:
        found = [
            (lines[at], f"column {name[:80]!r}: {brief(values[at])} is no {spec.datatype}, or out of its range")
            for name, values in zip(names, columns, strict=True)
            for at in _misfits(spec, values, 0)
        ]
        if found:
            raise wrong_cells(found) from None
        raise


def _misfits(spec: TensorSpec, values: list[Any], first: int) -> list[int]:
    """Where values are that the datatype cannot hold, the first ones: by halves, for most of a column is in order."""
    try:
        decode_tensor(spec.name, spec.datatype, values)
        return []
    except InvalidArguments:
        if len(values) == 1:
            return [first]
    half = len(values) // 2
    found = _misfits(spec, values[:half], first)
    if len(found) < _MOST_PROBLEMS:
        found += _misfits(spec, values[half:], first + half)
    return found[:_MOST_PROBLEMS]

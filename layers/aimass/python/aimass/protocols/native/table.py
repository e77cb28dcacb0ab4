"""CSV text (RFC 4180) with a header line: the description's columns, or the inputs' own."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from aimass.domain.datatypes import FLOATS, is_tensor
from aimass.domain.errors import InvalidArguments, PayloadTooLarge
from aimass.domain.model import TensorSpec, Version
from aimass.inference.dataplane import Rows, Value
from aimass.inference.tensors import brief, shape_text
from aimass.inference.values import check_names, decode_value
from aimass.protocols.native.given import Given, Payload, Prepare

MAX_CELLS = 1_000_000
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def table_of(text: str) -> Payload:
    """The reader of a table. Raises InvalidArguments naming the line, PayloadTooLarge beyond MAX_CELLS."""
    names, rows = _parse(text)

    def read(version: Version, prepare: Prepare) -> Given:
        if version.description and version.description.table:
            media = Rows(tuple(dict(zip(names, row, strict=True)) for row in rows))
            return Given(prepare(version, media), described=True)
        if takes_csv(version):
            return Given(_inputs(version.inputs, names, rows), described=True)
        # Media that the version's description says nothing of: the error tells what it takes.
        return Given(prepare(version, Rows(())), described=True)

    return read


def takes_csv(version: Version) -> bool:
    """Whether columns can be its inputs without a description: tensors of one column each, or one matrix."""
    specs = version.inputs
    return all(is_tensor(spec.onnx_type) and _is_column(spec) for spec in specs) or _is_matrix(specs)


def _parse(text: str) -> tuple[list[str], list[list[str]]]:
    cells = text.count(",") + text.count("\n") + text.count("\r")
    if cells > MAX_CELLS:
        told = f"the table has about {cells} cells, a call takes {MAX_CELLS}; send fewer rows a call"
        raise PayloadTooLarge(told, cells=cells, limit=MAX_CELLS)
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows: list[list[str]] = []
    try:
        names = next(filter(None, reader), None)
        if not names:
            raise _wrong("holds no line; the first one names the columns")
        _check_header(names)
        for row in filter(None, reader):
            if len(row) != len(names):
                raise _wrong(f"line {reader.line_num} has {len(row)} cells, the header {len(names)}")
            rows.append(row)
    except csv.Error as error:
        raise _wrong(f"line {reader.line_num} is no CSV: {error}") from error
    if not rows:
        raise _wrong("holds a header and no row")
    return names, rows


def _check_header(names: list[str]) -> None:
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise _wrong(f"header names column {name[:80]!r} {times} times")
    if all(_number(name) is not None for name in names) and names != [*map(str, range(max(2, len(names))))]:
        raise _wrong("the first line must name the columns, and it holds numbers alone")


def _inputs(specs: Sequence[TensorSpec], names: list[str], rows: list[list[str]]) -> dict[str, Value]:
    """Columns by the names of inputs; or all of them, in their order, as the only input's matrix."""
    if _is_matrix(specs) and names != [specs[0].name]:
        (spec,) = specs
        if spec.shape[1] not in {-1, len(names)}:
            raise _wrong(f"has {len(names)} columns; input {spec.name!r} wants shape {shape_text(spec.shape)}")
        cells = [
            [_cell(spec, name, at, cell) for name, cell in zip(names, row, strict=True)] for at, row in enumerate(rows)
        ]
        return {spec.name: decode_value(spec, cells)}
    check_names(specs, set(names))
    wanted = {spec.name: spec for spec in specs}
    columns = zip(names, zip(*rows, strict=True), strict=True)
    return {
        name: decode_value(wanted[name], [_cell(wanted[name], name, at, cell) for at, cell in enumerate(column)])
        for name, column in columns
    }


def _is_column(spec: TensorSpec) -> bool:
    return len(spec.shape) < 2 or (len(spec.shape) == 2 and spec.shape[1] in {-1, 1})


def _is_matrix(specs: Sequence[TensorSpec]) -> bool:
    return len(specs) == 1 and len(specs[0].shape) == 2 and is_tensor(specs[0].onnx_type)


def _cell(spec: TensorSpec, column: str, row: int, cell: str) -> Any:
    """A cell as JSON has it. Raises InvalidArguments naming row, from 0, and column."""
    if spec.datatype == "BYTES":
        return cell
    read: Callable[[str], Any] = _number
    if spec.datatype == "BOOL":
        read = _boolean
    elif spec.datatype not in FLOATS:
        read = _whole
    value = read(cell)
    if value is None:
        raise _wrong(f"row {row}, column {column[:80]!r}: wants {spec.datatype}, got {brief(cell)}")
    return value


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return None if "_" in cell or (math.isinf(value) and "inf" not in cell.lower()) else value


def _whole(cell: str) -> float | None:
    try:
        return None if "_" in cell else int(cell)
    except ValueError:
        return _number(cell)


def _boolean(cell: str) -> bool | None:
    return _BOOLEANS.get(cell.strip().lower())


def _wrong(what: str) -> InvalidArguments:
    return InvalidArguments.of_fields({"data": f"the CSV {what}"})

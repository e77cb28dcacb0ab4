"""A table's rows as inputs: by the description's columns, or by the inputs' own names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from difflib import get_close_matches

from aimass.domain.datatypes import is_tensor
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec, Version
from aimass.inference.dataplane import Rows, Value
from aimass.inference.tensors import shape_text
from aimass.inference.values import decode_value
from aimass.protocols.native.columns import decoded, plain_values, read_columns
from aimass.protocols.native.csv_text import Table, check_separator, parse, wrong, wrong_cells
from aimass.protocols.native.given import Given, Payload, Prepare
from aimass.protocols.table_rows import takes_nan

_MOST_PROBLEMS = 10
NAN = "nan"  # as the numbers' grammar has it
_MOST_NAMES = 20  # columns in a message
_READ_AGAIN = 20_000  # cells: in larger tables only the first row at fault is looked for
_ROW = re.compile(r"row (\d+)")


def table_of(text: str) -> Payload:
    """The reader of CSV text. Raises InvalidArguments naming lines and columns, PayloadTooLarge for too many cells."""
    table = parse(text)

    def read(version: Version, prepare: Prepare) -> Given:
        if version.description and version.description.table:
            return Given(_described(table, version, prepare), described=True)
        if _takes_columns(version.inputs):
            return Given(_inputs(version.inputs, _filled(table) if takes_nan(version) else table), described=True)
        # Media that the version's description says nothing of: the error tells what it takes.
        return Given(prepare(version, Rows(())), described=True)

    return read


def _filled(table: Table) -> Table:
    """Empty cells as NaN."""
    rows = [[cell if cell.strip() else NAN for cell in row] for row in table.rows]
    return Table(table.names, rows, table.lines)


def takes_tables(version: Version) -> bool:
    """Whether rows can be its inputs, by its description or without."""
    return bool(version.description and version.description.table) or _takes_columns(version.inputs)


def _takes_columns(specs: Sequence[TensorSpec]) -> bool:
    """Whether the inputs are tensors of one column each, or one matrix."""
    return all(is_tensor(spec.onnx_type) and _is_column(spec) for spec in specs) or _is_matrix(specs)


def _described(table: Table, version: Version, prepare: Prepare) -> dict[str, Value]:
    columns = version.description.table.columns if version.description and version.description.table else ()
    _check_columns(table, [one.name for one in columns], [one.name for one in columns if one.missing is None])
    rows = [dict(zip(table.names, row, strict=True)) for row in table.rows]
    try:
        return prepare(version, Rows(tuple(rows)))
    except InvalidArguments as error:
        found = [(table.lines[at], what) for at, what in _bad_rows(rows, error, version, prepare)]
        if not found:
            raise
        raise wrong_cells(found) from None


def _bad_rows(
    rows: Sequence[dict[str, str]], error: InvalidArguments, version: Version, prepare: Prepare
) -> Iterator[tuple[int, str]]:
    """Rows at fault, and what is wrong with each: an error names one, so the others are read again without it."""
    left = list(range(len(rows)))
    told: InvalidArguments | None = error
    for _ in range(_MOST_PROBLEMS if len(rows) * len(rows[0]) <= _READ_AGAIN else 1):
        if told is None or not (at := _ROW.fullmatch(next(iter(told.details.get("fields", {})), ""))):
            return
        yield left.pop(int(at[1])), told.details["fields"][at[0]]
        told = _refusal(tuple(rows[one] for one in left), version, prepare)


def _refusal(rows: tuple[dict[str, str], ...], version: Version, prepare: Prepare) -> InvalidArguments | None:
    try:
        prepare(version, Rows(rows))
    except InvalidArguments as error:
        return error
    return None


def _check_columns(table: Table, known: Collection[str], required: Collection[str]) -> None:
    """Raises InvalidArguments naming columns that are unknown or missing, with the names that were meant perhaps."""
    wanted, given = set(known), set(table.names)
    unknown = [name for name in table.names if name not in wanted]
    missing = [name for name in required if name not in given]
    if unknown:
        check_separator(table)
    problems = {name[:80]: f"unknown column; {_meant(name, known)}" for name in unknown[:_MOST_PROBLEMS]}
    problems |= {name[:80]: "missing: the header does not name this column" for name in missing[:_MOST_PROBLEMS]}
    if problems:
        raise InvalidArguments.of_fields(problems)


def _meant(name: str, known: Collection[str]) -> str:
    folded = {one[:80].casefold(): one for one in known}
    close = get_close_matches(name[:80].casefold(), folded, n=1, cutoff=0.7)
    if close:
        return f"did you mean {folded[close[0]][:80]!r}?"
    listed = ", ".join(repr(one[:80]) for one in list(known)[:_MOST_NAMES])
    return f"there are: {listed}{f' and {len(known) - _MOST_NAMES} more' if len(known) > _MOST_NAMES else ''}"


def _inputs(specs: Sequence[TensorSpec], table: Table) -> dict[str, Value]:
    """Columns by the names of inputs; or all of them, in their order, as the only input's matrix."""
    if _is_matrix(specs) and table.names != [specs[0].name]:
        return {specs[0].name: _matrix(specs[0], table)}
    needed = [spec.name for spec in specs if not spec.onnx_type.startswith("optional(")]
    _check_columns(table, [spec.name for spec in specs], needed)
    columns = _columns(table)
    present = [spec for spec in specs if spec.name in columns]
    read = read_columns([(spec, spec.name, columns[spec.name]) for spec in present], table.lines)
    return {
        spec.name: decoded(spec, [spec.name], [values], table.lines, values)
        for spec, values in zip(present, read, strict=True)
    }


def _matrix(spec: TensorSpec, table: Table) -> Value:
    """All cells at once; column by column only where that does not do, to say which are at fault."""
    names, width = table.names, len(table.names)
    check_separator(table)
    if spec.shape[1] not in {-1, width}:
        raise wrong(f"has {width} columns; input {spec.name!r} wants shape {shape_text(spec.shape)}")
    cells = plain_values(spec.datatype, [cell for row in table.rows for cell in row])
    if cells is not None:
        with suppress(InvalidArguments):
            return decode_value(spec, [cells[at : at + width] for at in range(0, len(cells), width)])
    read = read_columns([(spec, name, column) for name, column in _columns(table).items()], table.lines)
    return decoded(spec, names, read, table.lines, list(map(list, zip(*read, strict=True))))


def _columns(table: Table) -> dict[str, tuple[str, ...]]:
    return dict(zip(table.names, zip(*table.rows, strict=True), strict=True))


def _is_column(spec: TensorSpec) -> bool:
    return len(spec.shape) < 2 or (len(spec.shape) == 2 and spec.shape[1] in {-1, 1})


def _is_matrix(specs: Sequence[TensorSpec]) -> bool:
    return len(specs) == 1 and len(specs[0].shape) == 2 and is_tensor(specs[0].onnx_type)

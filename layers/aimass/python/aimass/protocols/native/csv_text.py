"""CSV text (RFC 4180) with a header line as named columns, and the lines of the file that its rows begin in."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from aimass.domain.errors import InvalidArguments, PayloadTooLarge
from aimass.inference.described.cells import number_of

MAX_CELLS = 1_000_000
_SHOWN = 10  # problems in a message
_SEPARATORS = {";": "';'", "\t": "tabs", "|": "'|'"}
_ONE_LINE = ": all of it is one line. `curl -d` drops line breaks, `--data-binary` keeps them"


@dataclass(frozen=True)
class Table:
    """Cells as text, each row as long as `names`; `lines` are those that the rows begin in, from 1."""

    names: list[str]
    rows: list[list[str]]
    lines: list[int]


def parse(text: str) -> Table:
    """Raises InvalidArguments naming the line, PayloadTooLarge beyond MAX_CELLS, before anything is parsed."""
    _check_size(text)
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    table, begins = Table([], [], []), 1
    try:
        for row in reader:
            _add(table, row, begins)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise wrong(f"line {reader.line_num} is no CSV: {error}") from error
    _check(table, text)
    return table


def wrong(what: str) -> InvalidArguments:
    """The error that says what is wrong with the text."""
    return InvalidArguments.of_fields({"data": f"the CSV {what}"})


def wrong_cells(found: Iterable[tuple[int, str]]) -> InvalidArguments:
    """The error that names cells by their lines, the first ones if there are many."""
    problems = sorted(found)
    more = "; these are the first, there may be more" if len(problems) >= _SHOWN else ""
    return wrong("; ".join(f"line {line}, {what}" for line, what in problems[:_SHOWN]) + more)


def check_separator(table: Table) -> None:
    """Raises InvalidArguments for a table of one column that looks like several."""
    told = _other_separator(table.names, table.rows[0])
    if told:
        raise wrong(f"has one column; {told}")


def _check_size(text: str) -> None:
    cells = text.count(",") + text.count("\n") + text.count("\r")
    if cells > MAX_CELLS:
        told = f"the table has about {cells} cells, a call takes {MAX_CELLS}; send fewer rows a call"
        raise PayloadTooLarge(told, cells=cells, limit=MAX_CELLS)


def _add(table: Table, row: list[str], line: int) -> None:
    """An empty row is a blank line."""
    if not table.names:
        table.names.extend(name.strip() for name in row)
    elif row:
        if len(row) != len(table.names):
            told = _other_separator(table.names, row)
            raise wrong(f"line {line} has {len(row)} cells, the header {len(table.names)}{told and '; ' + told}")
        table.rows.append(row)
        table.lines.append(line)


def _other_separator(names: list[str], row: list[str]) -> str:
    for separator, spoken in _SEPARATORS.items():
        if len(names) == 1 and separator in names[0] and separator in "".join(row):
            return f"cells look separated by {spoken}: separate them by commas, and write 1.5, not 1,5"
    return ""


def _check(table: Table, text: str) -> None:
    names = table.names
    if not names:
        raise wrong("holds no line; the first one names the columns")
    if all(map(_is_number, names)) and names != [*map(str, range(max(2, len(names))))]:
        raise wrong("the first line must name the columns, and it holds numbers alone")
    if not table.rows:
        raise wrong(f"holds a header and no row{'' if set(text) & {chr(10), chr(13)} else _ONE_LINE}")
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise wrong(f"header names column {name[:80]!r} {times} times")


def _is_number(name: str) -> bool:
    try:
        return name.lower() not in {"true", "false"} and number_of(name) is not None
    except ValueError:
        return False

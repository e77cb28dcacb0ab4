"""Rows of CSV, JSON Lines and Parquet, one after the other: cells by column, with the line that each begins in."""

from __future__ import annotations

import csv
import importlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from aimass.compression.data.limits import Limits, wrong
from aimass.domain.errors import InvalidArguments

_OVERHEAD = 100  # bytes that Python takes for a value beside its content


@dataclass(frozen=True)
class Record:
    """One row, kept as it came and read when it is used. `where` is how an error calls it.

    `read` gives cells by column, or what a line of JSON holds. Raises ValueError for what can't be read.
    """

    where: str
    read: Callable[[], Any]


#: A row with the bytes that it takes in memory, about.
Records = Iterator[tuple[int, Record]]


def read_csv(path: Path, limits: Limits) -> Records:
    """RFC 4180 in UTF-8 with a header line. Raises InvalidArguments naming the line."""
    with path.open(encoding="utf-8-sig", errors="strict", newline="") as file:
        lines = _Lines(path.name, file, limits.text)
        names: list[str] = []
        try:
            for row in _rows(lines, limits.text):
                begins, text = lines.row()
                if not row:
                    continue
                if not names:
                    names = _header(path.name, row, limits)
                elif len(row) != len(names):
                    raise wrong(path.name, f"line {begins} has {len(row)} cells, the header {len(names)}")
                else:
                    yield len(text) + 5 * _OVERHEAD, Record(f"line {begins}", partial(_cells, names, text))
        except csv.Error as error:
            raise wrong(path.name, f"line {lines.number} is no CSV: {error}") from error
    if not names:
        raise wrong(path.name, "is empty; the first line names the columns")


def _rows(lines: _Lines, most: int) -> Iterator[list[str]]:
    reader = csv.reader(lines, strict=True)
    while True:
        with _cells_of(most):
            row = next(reader, None)
        if row is None:
            return
        yield row


def _cells(names: list[str], text: str) -> dict[str, str]:
    with _cells_of(len(text)):
        return dict(zip(names, next(csv.reader(io.StringIO(text, newline=""), strict=True)), strict=True))


@contextmanager
def _cells_of(most: int) -> Iterator[None]:
    """Letters that a cell may have: the csv module keeps one number for the whole process."""
    before = csv.field_size_limit(most)
    try:
        yield
    finally:
        csv.field_size_limit(before)


class _Lines:
    """Lines of a file, none longer than a limit, nor those of one row together."""

    def __init__(self, name: str, file: IO[str], most: int) -> None:
        self._name, self._file, self._most = name, file, most
        self.number, self._begun, self._held = 0, 1, ""

    def row(self) -> tuple[int, str]:
        """The line that the row which was read last begins in, and its text; the next line begins another."""
        began, text = self._begun, self._held
        self._begun, self._held = self.number + 1, ""
        return began, text

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            line = self._file.readline(self._most + 1)
        except UnicodeDecodeError as error:
            raise wrong(self._name, f"line {self.number + 1} or one soon after it is no UTF-8: {error}") from None
        if not line:
            raise StopIteration
        self.number += 1
        self._held = self._held + line if self._held else line
        if len(self._held) > self._most:
            raise wrong(self._name, f"line {self._begun}: a row of more than {self._most} characters; a quote is open?")
        return line


def _header(file: str, row: list[str], limits: Limits) -> list[str]:
    names = [name.strip() for name in row]
    if len(names) > limits.columns:
        raise wrong(file, f"has {len(names)} columns; at most {limits.columns}")
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise wrong(file, f"the header names column {name[:80]!r} {times} times")
    return names


def read_jsonl(path: Path, limits: Limits) -> Records:
    """A JSON value a line, in UTF-8; blank lines are passed over. Raises InvalidArguments naming the line."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(limits.text + 1):
            number += 1
            if len(line) > limits.text:
                raise wrong(path.name, f"line {number} is longer than {limits.text} bytes; JSON Lines has a row a line")
            if line.strip():
                yield len(line) + 4 * _OVERHEAD, Record(f"line {number}", partial(_parsed, number, line))


def _parsed(number: int, line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        hint = "; the file is one JSON list: write one row a line" if number == 1 and line.lstrip()[:1] == b"[" else ""
        raise ValueError(f"is no JSON: {str(error)[:200]}{hint}") from None


def _named(names: list[str], cells: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(names, cells, strict=True))


def read_parquet(path: Path, limits: Limits) -> Records:
    """The rows of a Parquet file, read by arro3-io, which the functions do not carry and the Batch image does."""
    try:
        batches_of = importlib.import_module("arro3.io").read_parquet
    except ImportError:
        told = "Parquet is read in the Batch job's image only; send the rows as npz, CSV or JSON Lines"
        raise wrong(path.name, told) from None
    at = 0
    try:
        reader = batches_of(str(path))
        if len(reader.schema) > limits.columns:
            raise wrong(path.name, f"has {len(reader.schema)} columns; at most {limits.columns}")
        for batch in reader:
            size = batch.nbytes // max(batch.num_rows, 1) * 4 + _OVERHEAD * batch.num_columns
            columns = [column.to_pylist() for column in batch.columns]
            for cells in zip(*columns, strict=True):
                yield size, Record(f"row {at}", partial(_named, batch.column_names, cells))
                at += 1
    except (InvalidArguments, MemoryError, GeneratorExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # of a damaged file the library panics, which is no Exception
        raise wrong(path.name, f"cannot be read as Parquet, after row {at}: {str(error)[:200]}") from error

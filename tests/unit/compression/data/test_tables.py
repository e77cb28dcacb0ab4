"""CSV, JSON Lines and Parquet, a row at a time, with the line of each."""

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.compression.data.limits import Limits
from aimass.compression.data.sampling import sampled
from aimass.compression.data.tables import read_csv, read_jsonl, read_parquet
from aimass.domain.errors import InvalidArguments


def _file(folder: Path, text: str | bytes, name: str = "rows.csv") -> Path:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / name


def _rows(records: Any) -> list[tuple[str, Any]]:
    return [(record.where, record.read()) for _, record in records]


def test_a_row_is_named_by_the_line_that_it_begins_in(tmp_path: Path) -> None:
    path = _file(tmp_path, '\ufefftext,label\r\n"two\nlines, ""quoted""",a\r\n\r\nb,c\r\n')
    assert _rows(read_csv(path, Limits())) == [
        ("line 2", {"text": 'two\nlines, "quoted"', "label": "a"}),
        ("line 5", {"text": "b", "label": "c"}),
    ]


def test_long_cells_are_read_and_the_csv_module_s_limit_is_left_as_it_was(tmp_path: Path) -> None:
    before, long = csv.field_size_limit(), "x" * 200_000
    assert _rows(read_csv(_file(tmp_path, f"a\n{long}\n"), Limits())) == [("line 2", {"a": long})]
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n3\n", "rows.csv: line 3 has 1 cells, the header 2"),
        ("a,a\n1,2\n", "the header names column 'a' 2 times"),
        ('a\n"open\n' + "x" * 50 + "\n", "line 2: a row of more than 40 characters"),
        (b"a\n1\n\xff\n", "is no UTF-8"),
        ("", "is empty"),
        (",".join(f"c{at}" for at in range(9)) + "\n", "has 9 columns; at most 8"),
        ('a\n"b"c\n', "line 2 is no CSV"),
    ],
)
def test_what_is_wrong_with_csv_is_told_with_its_line(tmp_path: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(InvalidArguments, match=told):
        _rows(read_csv(_file(tmp_path, text), Limits(text=40, columns=8)))


def test_json_lines_keep_their_types_and_blank_lines_are_passed_over(tmp_path: Path) -> None:
    path = _file(tmp_path, '{"x": [1, 2.5], "label": null}\n\n[3]\n"a"\n')
    assert _rows(read_jsonl(path, Limits())) == [
        ("line 1", {"x": [1, 2.5], "label": None}),
        ("line 3", [3]),
        ("line 4", "a"),
    ]


def test_a_json_document_is_told_from_json_lines(tmp_path: Path) -> None:
    [(_, first), *_] = read_jsonl(_file(tmp_path, '[\n{"x": 1}\n]'), Limits())
    with pytest.raises(ValueError, match="write one row a line"):
        first.read()


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArguments, match="line 1 is longer than 40 bytes"):
        _rows(read_jsonl(_file(tmp_path, "[" * 100), Limits(text=40)))


def test_nested_too_deep_is_no_crash(tmp_path: Path) -> None:
    [(_, record)] = read_jsonl(_file(tmp_path, "[" * 200_000), Limits())
    with pytest.raises(ValueError, match="is no JSON"):
        record.read()


@given(st.integers(0, 300), st.integers(1, 50))
def test_a_sample_has_the_rows_asked_for_in_their_order_and_is_the_same_again(rows: int, most: int) -> None:
    def once() -> tuple[list[int], int]:
        return sampled("f", ((1, at) for at in range(rows)), Limits(rows=most))

    kept, seen = once()
    assert (len(kept), seen) == (min(rows, most), rows)
    assert kept == sorted(set(kept))
    assert once() == (kept, seen)


def test_each_row_has_the_same_chance() -> None:
    kept, _ = sampled("f", ((1, at) for at in range(40_000)), Limits(rows=10_000))
    for start in range(0, 40_000, 10_000):
        inside = sum(start <= at < start + 10_000 for at in kept)
        assert abs(inside - 2_500) < 220  # five standard deviations


def test_a_sample_that_does_not_fit_in_memory_is_refused() -> None:
    with pytest.raises(InvalidArguments, match="take more than 0 MiB by row 11"):
        sampled("f", ((100, at) for at in range(1_000)), Limits(held=1_000))


def test_rows_without_end_are_refused() -> None:
    with pytest.raises(InvalidArguments, match="more than 20 rows; send a sample"):
        sampled("f", ((1, at) for at in range(1_000)), Limits(seen=20))


def test_parquet_names_the_image_that_reads_it_where_nothing_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "arro3.io", None)
    with pytest.raises(InvalidArguments, match=r"Parquet is read in the Batch job's image only; send .* npz, CSV"):
        _rows(read_parquet(_file(tmp_path, b"PAR1", "rows.parquet"), Limits()))


def test_parquet_rows_are_cells_by_column(tmp_path: Path) -> None:
    arrow, core = pytest.importorskip("arro3.io"), pytest.importorskip("arro3.core")
    texts = core.Array(["a", None, "c"], type=core.DataType.utf8())
    numbers = core.Array([1.5, 2.5, 3.5], type=core.DataType.float64())
    arrow.write_parquet(core.Table.from_pydict({"text": texts, "x": numbers}), str(tmp_path / "rows.parquet"))
    assert _rows(read_parquet(tmp_path / "rows.parquet", Limits())) == [
        ("row 0", {"text": "a", "x": 1.5}),
        ("row 1", {"text": None, "x": 2.5}),
        ("row 2", {"text": "c", "x": 3.5}),
    ]
    raw = (tmp_path / "rows.parquet").read_bytes()
    with pytest.raises(InvalidArguments, match=r"cut\.parquet: cannot be read as Parquet"):
        _rows(read_parquet(_file(tmp_path, raw[:-9], "cut.parquet"), Limits()))

"""Three parts of the rows that share nothing, each like the whole."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.compression.data.labels import Labels
from aimass.compression.part_file import read_part, write_part
from aimass.compression.rows import Data
from aimass.compression.splits import rows_for_held_out, sizes, split
from aimass.compression.statistics import shares_loss


def _data(values: list[int], labels: list[int] | None = None) -> Data:
    found = None if labels is None else Labels("classes", np.array(labels))
    return Data({"x": np.array(values, np.float32).reshape(-1, 1)}, found, seen=len(values))


@given(st.lists(st.integers(0, 40), max_size=300), st.booleans())
def test_every_different_row_is_in_one_part_once_and_the_first_of_equal_ones_is_it(
    values: list[int], labelled: bool
) -> None:
    parts = split(_data(values, [one % 3 for one in values] if labelled else None))
    each = [*parts.calibration.tolist(), *parts.choosing.tolist(), *parts.held_out.tolist()]
    assert sorted(each) == sorted(values.index(one) for one in set(values))
    wanted = sizes(len(set(values)))
    assert [len(parts.calibration), len(parts.choosing)] == [wanted.calibration, wanted.choosing]


@given(st.integers(0, 50_000))
def test_parts_have_their_sizes(rows: int) -> None:
    found = sizes(rows)
    assert found.calibration + found.choosing + found.held_out == rows
    assert found.calibration <= 512
    assert found.calibration >= 128 or rows < 384
    assert found.held_out >= (rows - found.calibration) // 3 * 2


@given(st.integers(0, 20_000))
def test_rows_for_held_out_are_enough_and_no_more_than_they_must(wanted: int) -> None:
    rows = rows_for_held_out(wanted)
    assert all(sizes(more).held_out >= wanted for more in range(rows, rows + 500))
    assert rows == 0 or any(sizes(less).held_out < wanted for less in range(rows - 1, rows + 399))


def test_distinct_rows_fill_the_parts() -> None:
    parts = split(_data(list(range(5_000))))
    assert [len(parts.calibration), len(parts.choosing), len(parts.held_out)] == [512, 1_496, 2_992]
    assert parts.notes == ()


def test_each_part_has_the_classes_in_proportion() -> None:
    labels = [0] * 2_000 + [1] * 800 + [2] * 200
    parts = split(_data(list(range(3_000)), labels))
    for part in (parts.calibration, parts.choosing, parts.held_out):
        shares = np.bincount(np.array(labels)[part], minlength=3) / len(part)
        np.testing.assert_allclose(shares, [2 / 3, 4 / 15, 1 / 15], atol=0.005)


def test_the_split_is_of_the_data_alone() -> None:
    first, again, other = split(_data(list(range(600)))), split(_data(list(range(600)))), split(_data([*range(1, 601)]))
    assert first.digest == again.digest != other.digest
    np.testing.assert_array_equal(first.held_out, again.held_out)
    assert first.held_out.tolist() != other.held_out.tolist()
    assert split(_data(list(range(600)), [1] * 600)).digest != first.digest


def test_a_row_that_is_there_often_counts_once() -> None:
    parts = split(_data([7] * 900 + list(range(100, 500)), [0] * 900 + [1] * 400))
    kept = np.concatenate([parts.calibration, parts.choosing, parts.held_out])
    assert sorted(kept.tolist()) == [0, *range(900, 1300)]
    assert parts.notes == ("1300 rows, 401 different: rows that are equal byte for byte count once",)


def test_rows_that_repeat_prove_no_more_than_those_that_differ() -> None:
    """A candidate is wrong on one of 40 rows, each there 50 times: 2.5 % are lost, and that is not hidden."""
    generator = np.random.default_rng(1)
    for _ in range(20):
        values = generator.integers(0, 40, 2_000)
        held_out = values[split(_data(values.tolist())).held_out]
        assert len(held_out) <= 20
        assert shares_loss(int((held_out == 7).sum()), 0, len(held_out)).upper > 0.1


@pytest.mark.parametrize("rows", [0, 1, 2, 5, 200])
def test_few_rows_are_split_and_that_is_said(rows: int) -> None:
    parts = split(_data(list(range(rows))))
    assert len(parts.held_out) >= rows / 2
    assert parts.notes[-1].startswith(f"few rows: {rows // 4} for calibration")


def test_rows_of_texts_are_told_apart_by_their_characters() -> None:
    texts = np.array([["ab", "c"], ["a", "bc"], ["ab", "c"]], object)
    parts = split(Data({"t": texts}))
    assert parts.held_out.tolist() == [0, 1]
    assert parts.notes[0].startswith("3 rows, 2 different")


_TEXT = st.text(max_size=12)


@given(st.lists(st.tuples(_TEXT, st.floats(width=32), st.integers(-5, 5)), min_size=1, max_size=30), st.data())
def test_a_part_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, float, int]], data: st.DataObject
) -> None:
    texts = np.empty((len(rows), 1), object)
    texts[:, 0] = [text for text, _, _ in rows]
    inputs = {"labels": np.array([[number] for _, number, _ in rows], np.float32), "a/b:c\n": texts}
    whole = Data(inputs, Labels("classes", np.array([one for _, _, one in rows])), whole=True)
    some = np.array(data.draw(st.lists(st.integers(0, len(rows) - 1))), np.int64)
    folder = tmp_path_factory.mktemp("part")
    write_part(folder / "a.npz", whole, some)
    write_part(folder / "b.npz", whole, some)
    assert (folder / "a.npz").read_bytes() == (folder / "b.npz").read_bytes()
    part = read_part(folder / "a.npz")
    assert (len(part), part.whole, list(part.inputs)) == (len(some), True, ["labels", "a/b:c\n"])
    np.testing.assert_array_equal(part.inputs["labels"], inputs["labels"][some], strict=True)
    assert part.inputs["a/b:c\n"].tolist() == texts[some].tolist()
    assert part.labels is not None
    np.testing.assert_array_equal(part.labels.values, whole.labels.values[some] if whole.labels else [], strict=True)


def test_a_part_without_labels_and_with_words_for_labels(tmp_path: Path) -> None:
    write_part(tmp_path / "a.npz", _data([1, 2]), np.array([1]))
    assert read_part(tmp_path / "a.npz").labels is None
    words = Data({"x": np.ones((2, 1))}, Labels("classes", np.array(["cat", "ox"])))
    write_part(tmp_path / "b.npz", words, np.array([1, 0]))
    found = read_part(tmp_path / "b.npz").labels
    assert found is not None
    assert found.values.tolist() == ["ox", "cat"]


def test_one_text_of_great_length_does_not_make_all_long(tmp_path: Path) -> None:
    texts = np.array(["x" * 200_000, *("short" for _ in range(500))], object)
    write_part(tmp_path / "a.npz", Data({"t": texts}), np.arange(501))
    assert (tmp_path / "a.npz").stat().st_size < 220_000


def test_rows_of_whole_calls_are_fed_one_at_a_time(tmp_path: Path) -> None:
    calls = Data({"frames": np.ones((3, 7, 4)), "rate": np.array([8, 8, 16])}, whole=True)
    write_part(tmp_path / "a.npz", calls, np.arange(3))
    feeds = read_part(tmp_path / "a.npz").rows(batch=2).feeds()
    assert [(feed["frames"].shape, feed["rate"].shape, int(feed["rate"])) for feed in feeds] == [
        ((7, 4), (), 8),
        ((7, 4), (), 8),
        ((7, 4), (), 16),
    ]

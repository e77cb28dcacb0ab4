"""Rows made up where there are none: such as the version takes, and the same each time."""

import numpy as np

from aimass.compression.data.made_up import made_up_rows
from aimass.domain.description import Column, Description, ImageInput, Resize, TableInput, TextInput
from aimass.domain.model import Version
from tests.unit.compression.data.versions import open_nothing, spec, version_of

OUT = [spec("s", "FP32", -1, 3)]


def _of(description: Description, *inputs: object) -> Version:
    return version_of(list(inputs), OUT, description)  # type: ignore[arg-type]


def test_pictures_have_the_range_that_the_description_gives_them() -> None:
    image = ImageInput("p", mean=(0.5,) * 3, std=(0.25,) * 3)
    version = _of(Description(image=image), spec("p", "FP32", -1, 3, 32, 20))
    found = made_up_rows(version, open_nothing, rows=24)
    assert found is not None
    assert found["p"].shape == (24, 3, 32, 20)
    assert -2 <= found["p"].min() < -1.5 < 1.5 < found["p"].max() <= 2


def test_pictures_of_any_size_and_gray_ones_fit_too() -> None:
    for how, shape, wanted in [
        (ImageInput("p", resize=Resize(shorter=40), crop=(32, 32)), (-1, 3, -1, -1), (3, 32, 32)),
        (ImageInput("p", color="gray"), (-1, 28, 28), (28, 28)),
        (ImageInput("p", layout="NHWC"), (-1, 16, 24, 3), (16, 24, 3)),
        (ImageInput("p"), (-1, 3, -1, -1), (3, 224, 224)),
    ]:
        found = made_up_rows(_of(Description(image=how), spec("p", "FP32", *shape)), open_nothing, rows=2)
        assert found is not None
        assert found["p"].shape == (2, *wanted)


def test_texts_and_table_rows_are_ones_that_the_version_takes() -> None:
    texts = made_up_rows(_of(Description(text=TextInput(input="t")), spec("t", "BYTES", -1)), open_nothing)
    assert texts is not None
    assert len(set(texts["t"].tolist())) > 100
    columns = (Column("a", "a"), Column("n", "n"), Column("c", "c", values=("x", "y", "z")))
    inputs = spec("a", "FP32", -1, 1), spec("n", "INT64", -1, 1), spec("c", "INT64", -1, 1)
    table = made_up_rows(_of(Description(table=TableInput(columns)), *inputs), open_nothing)
    assert table is not None
    assert set(table["c"].ravel().tolist()) == {0, 1, 2}
    assert table["a"].std() > 0.5


def test_whole_numbers_are_from_among_those_that_ran() -> None:
    version = version_of([spec("ids", "INT64", -1, -1), spec("x", "FP32", -1, 4)], OUT)
    like = {"ids": np.array([[101, 7, 102]]), "x": np.full((1, 4), 5, np.float32) + np.arange(4, dtype=np.float32)}
    found, again = made_up_rows(version, open_nothing, like), made_up_rows(version, open_nothing, like)
    assert found is not None
    assert again is not None
    assert found["ids"].shape == (128, 3)
    assert set(found["ids"].ravel().tolist()) == {101, 7, 102}
    assert abs(found["x"].mean() - 6.5) < 0.3
    assert found["x"].dtype == np.float32
    np.testing.assert_array_equal(found["x"], again["x"])


def test_nothing_is_made_up_where_nothing_tells_how() -> None:
    version = version_of([spec("x", "FP32", -1, 4), spec("h", "FP32", 2, 1, 8)], OUT)
    assert made_up_rows(version, open_nothing) is None
    assert made_up_rows(version, open_nothing, {"x": np.ones((1, 4))}) is None
    assert made_up_rows(version, open_nothing, {"x": np.ones((1, 4)), "h": np.ones((2, 1, 8))}) is None

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.domain.description import Column, Description, TableInput
from aimass.domain.errors import InvalidArguments
from aimass.inference.dataplane import Rows
from aimass.inference.described.inputs import described_inputs
from tests.unit.inference.described.given import no_assets, spec, version


def inputs(rows, columns, *specs):
    given = version(*specs, description=Description(table=TableInput(tuple(columns))))
    return described_inputs(given, Rows(tuple(rows)), no_assets)


def column(cells, datatype="FP32", **how):
    """What one column of cells becomes."""
    found = inputs([{"c": cell} for cell in cells], [Column("c", "x", **how)], spec("x", datatype, -1))["x"]
    assert found.shape == (len(cells),)
    return found


def test_columns_of_one_input_stand_side_by_side_in_the_described_order():
    rows = [{"age": 30, "city": "Rome", "height": 1.75}, {"height": 1.6, "age": 41, "city": "Paris"}]
    columns = [Column("height", "x"), Column("city", "x", values=("Paris", "Rome")), Column("age", "x")]
    found = inputs(rows, columns, spec("x", "FP32", -1, 3))["x"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.array([[1.75, 1, 30], [1.6, 0, 41]], np.float32))


@pytest.mark.parametrize(("shape", "expected"), [((-1,), [1, 2]), ((-1, 1), [[1], [2]]), ((), [[1], [2]])])
def test_a_single_column_has_the_shape_that_its_input_wants(shape, expected):
    assert inputs([{"a": 1}, {"a": 2}], [Column("a", "x")], spec("x", "INT64", *shape))["x"].tolist() == expected


def test_columns_may_go_to_inputs_of_their_own_datatypes():
    rows = [{"age": "30", "name": "Ada", "member": True}]
    columns = [Column("age", "a"), Column("name", "n"), Column("member", "m")]
    found = inputs(rows, columns, spec("a", "INT64", -1, 1), spec("n", "BYTES", -1, 1), spec("m", "BOOL", -1, 1))
    assert {name: array.tolist() for name, array in found.items()} == {"a": [[30]], "n": [["Ada"]], "m": [[True]]}


def test_numbers_may_come_as_text_and_as_truths():
    assert column([1, 2.5, " 3 ", "-4e2", True, "False"]).tolist() == [1, 2.5, 3, -400, 1, 0]


def test_nan_and_infinities_are_numbers():
    found = column(["nan", "-inf", float("inf"), "Infinity"])
    assert math.isnan(found[0])
    assert found[1:].tolist() == [-math.inf, math.inf, math.inf]


def test_large_integers_are_exact_from_text_and_json():
    assert column(["9223372036854775807", -(2**63), "0"], "INT64").tolist() == [2**63 - 1, -(2**63), 0]


@pytest.mark.parametrize(
    ("cells", "datatype", "told"),
    [
        ([1, "one"], "FP32", r"row 1: column 'c': wants a number, got \"one\""),
        ([1, "1_000"], "FP32", "row 1: column 'c': wants a number"),
        ([1, "1e999"], "FP32", "row 1: column 'c': wants a number"),
        ([1, [2]], "FP32", r"row 1: column 'c': wants a number, got \[2\]"),
        ([1, 2.5], "INT64", "row 1: column 'c': 2.5 is no INT64, or out of its range"),
        ([1, "2.5"], "INT64", "row 1: column 'c': 2.5 is no INT64"),
        ([1, 300], "UINT8", "row 1: column 'c': 300 is no UINT8, or out of its range"),
        ([1, 1e39], "FP32", "row 1: column 'c': 1e[+]39 is no FP32, or out of its range"),
        (["a", 1.5], "BYTES", "row 1: column 'c': wants text, got 1.5"),
        (["a", "\ud800"], "BYTES", "row 1: column 'c': .* is no BYTES"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named_by_row_and_column(cells, datatype, told):
    with pytest.raises(InvalidArguments, match=told) as refused:
        column(cells, datatype)
    assert list(refused.value.details["fields"]) == ["row 1"]


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_an_empty_cell_takes_the_described_value(empty):
    assert column([1, empty], missing=-7.0).tolist() == [1, -7]
    assert math.isnan(column([empty], missing=math.nan)[0])
    assert column(["b", empty], values=("a", "b"), missing="a").tolist() == [1, 0]
    assert column(["b", empty], values=("a", "b"), missing=-1.0).tolist() == [1, -1]
    assert math.isnan(column([empty], missing="nan")[0])
    assert math.isnan(column([empty], values=("a", "b"), missing="nan")[0])
    assert column([empty], values=("a", "nan"), missing="nan").tolist() == [1]
    assert column([empty], "INT64", missing=5.0).tolist() == [5]


def test_an_absent_cell_takes_the_described_value_too():
    found = inputs([{"a": 1}, {}], [Column("a", "x", missing=9.0)], spec("x", "FP32", -1))
    assert found["x"].tolist() == [1, 9]


def test_strings_may_be_blank_but_not_empty_unless_described():
    assert column([" ", "x"], "BYTES").tolist() == [" ", "x"]
    assert column(["", None], "BYTES", missing="?").tolist() == ["?", "?"]


@pytest.mark.parametrize("row", [{}, {"c": None}, {"c": ""}])
def test_a_missing_cell_without_a_value_is_refused(row):
    with pytest.raises(InvalidArguments, match="row 1: column 'c': missing, and the description gives no value"):
        inputs([{"c": 1}, row], [Column("c", "x")], spec("x", "FP32", -1))


def test_an_unknown_column_is_told_with_those_that_exist():
    with pytest.raises(InvalidArguments, match="row 1: unknown column 'agee'; this model takes 'age', 'city'"):
        inputs([{"age": 1}, {"agee": 1}], [Column("age", "x"), Column("city", "x")], spec("x", "FP32", -1, 2))


def test_an_unknown_category_is_told_with_those_that_exist():
    with pytest.raises(InvalidArguments, match=r"row 0: column 'c': no category \"Rom\"; there are 'Paris', 'Rome'"):
        column(["Rom"], values=("Paris", "Rome"))


def test_a_message_names_a_few_of_very_many_categories():
    with pytest.raises(InvalidArguments) as refused:
        column(["x"], values=tuple(f"{number}{'y' * 500}" for number in range(5000)))
    assert "and 4980 more" in refused.value.message
    assert len(refused.value.message) < 2500


def test_categories_may_be_numbers_and_truths_in_json():
    assert column([3, "1", 1.0, True], values=("1", "3", "true")).tolist() == [1, 0, 0, 2]


@pytest.mark.parametrize(
    ("cells", "values", "found"),
    [
        ([3.0, 3, "3.0", "3", " 3 "], ("1.0", "3.0"), [1, 1, 1, 1, 1]),
        ([3.0, 3, "3.0"], ("1", "3"), [1, 1, 1]),
        ([2.5, "2.50"], ("2.5",), [0, 0]),
        ([True, "true", "True", False], ("False", "True"), [1, 1, 1, 0]),
        ([3.0, 3, "3.0", "3"], ("3", "3.0"), [1, 0, 1, 0]),
    ],
)
def test_a_category_is_known_in_each_spelling_of_its_value(cells, values, found):
    assert column(cells, values=values).tolist() == found


def test_a_truth_is_no_number_among_categories():
    with pytest.raises(InvalidArguments, match=r"no category true; there are '0\.0', '1\.0'"):
        column([True], values=("0.0", "1.0"))


def test_a_category_for_an_input_of_strings_stays_a_string():
    assert column(["b", "a"], "BYTES", values=("a", "b")).tolist() == ["b", "a"]


def test_an_integer_is_text_for_an_input_of_strings():
    assert column([7, "7"], "BYTES").tolist() == ["7", "7"]


JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)


@given(
    cells=st.lists(JSON | st.dictionaries(st.text(), st.integers(), max_size=1), min_size=1, max_size=5),
    datatype=st.sampled_from(["FP32", "FP16", "BF16", "FP64", "INT64", "UINT8", "BOOL", "BYTES"]),
    values=st.sampled_from([(), ("a", "1")]),
)
def test_any_cells_are_a_column_or_refused(cells, datatype, values):
    try:
        found = column(cells, datatype, values=values)
    except InvalidArguments as refused:
        assert "row " in refused.message  # noqa: PT017  # either outcome is right
    else:
        assert len(found) == len(cells)

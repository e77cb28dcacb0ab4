"""CSV text: by the description's columns, by the inputs' names, or as a matrix."""

import csv as csv_module
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.protocols.described_models import IRIS
from tests.unit.protocols.native_caller import prediction, refusal

HEADER = ",".join(IRIS)
ROWS = "5.1,3.5,1.4,0.2\n6.3,3.3,6.0,2.5\n"


def csv(native, model, text):
    return native.json(model, text, "csv")


def wrong(native, model, text):
    return refusal(csv(native, model, text))["data"]


def test_the_descriptions_columns_in_any_order(native):
    reordered = "petal width,petal length,sepal width,sepal length\n2.5,6.0,3.3,6.3\n"
    for text in (f"{HEADER}\n{ROWS}", reordered):
        rows = prediction(csv(native, "flowers", text))
        assert rows[-1][0]["label"] == "virginica"
        assert all(len(row) == 3 for row in rows)


def test_one_row_of_csv_is_still_a_list(native):
    (row,) = prediction(csv(native, "flowers", f"{HEADER}\n5.1,3.5,1.4,0.2"))
    assert row[0]["label"] == "setosa"


def test_the_only_inputs_matrix_in_the_order_of_the_columns(native):
    assert prediction(csv(native, "iris", f"a,b,c,d\n{ROWS}"))["label"] == [0, 2]


def test_columns_by_the_inputs_names(native):
    text = "visits, age\r\n2,30\r\n\r\n3.0,40.5\r\n"
    assert prediction(csv(native, "undescribed-people", text)) == {"total": [[32], [43.5]], "seen": [[2], [3]]}


def test_quotes_line_breaks_and_a_byte_order_mark(native):
    assert prediction(csv(native, "loud", '\ufeffs\n"a, ""b""\nc"\nplain\n')) == ['a, "b"\nc!', "plain!"]


def test_numbers_alone_are_no_header_unless_they_count_the_columns(native):
    assert "must name the columns" in wrong(native, "iris", ROWS)
    assert "must name the columns" in wrong(native, "iris", "5.1,3.5,1.4,0.2")
    assert prediction(csv(native, "iris", f"0,1,2,3\n{ROWS}"))["label"] == [0, 2]


@pytest.mark.parametrize(
    ("model", "text", "what"),
    [
        ("iris", "", "holds no line"),
        ("iris", "\n\n", "holds no line"),
        ("iris", "a,b,c,d\n", "holds a header and no row"),
        ("iris", "a,b,c,d\n1,2,3\n", "line 2 has 3 cells, the header 4"),
        ("iris", "a,b,c\n1,2,3\n", "has 3 columns; input 'X' wants shape [-1, 4]"),
        ("iris", "a,b,c,a\n1,2,3,4\n", "names column 'a' 2 times"),
        ("iris", "a,b,c,d\n1,2,x,4\n", "line 2, column 'c': wants a number, got \"x\""),
        ("iris", "a,b,c,d\n1,2,,4\n", "line 2, column 'c': wants a number, got \"\""),
        ("iris", "a,b,c,d\n1,2,1_0,4\n", 'got "1_0"'),
        ("iris", "a,b,c,d\n1,2,1e400,4\n", 'got "1e400"'),
        ("iris", 'a,b,c,d\n1,2,"3,4\n', "line 2 is no CSV"),
        ("iris", "a,b,c,d\n1,2,3," + "4" * 200_000, "line 2 is no CSV: field larger than field limit"),
        ("iris", "a,b,c,d1,2,3,4", "`curl -d` drops line breaks, `--data-binary` keeps them"),
        ("iris", "a;b;c;d\n1,5;2;3;4\n", "line 2 has 2 cells, the header 1; cells look separated by ';'"),
        ("iris", "a\tb\tc\td\n1\t2\t3\t4\n", "cells look separated by tabs: separate them by commas"),
        ("undescribed-people", "age;visits\n1;2\n", "cells look separated by ';'"),
        ("flowers", HEADER.replace(",", ";") + "\n1;2;3;4\n", "cells look separated by ';'"),
        ("undescribed-people", "age,visits\n1,1e20\n", "line 2, column 'visits': 1e+20 is no INT64"),
        ("echo-bool", "x_BOOL\ntrue\n\n2\n", "line 4, column 'x_BOOL': wants true, false, 1 or 0, got \"2\""),
        ("echo-uint8", 'x_UINT8\n"1"\n255\n-1\n256\n', "line 4, column 'x_UINT8': -1 is no UINT8"),
        ("echo-int64", "x_INT64\n" + "9" * 400 + "\n", "line 2, column 'x_INT64': 999"),
        ("loud", "", "holds no line"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(native, model, text, what):
    assert what in wrong(native, model, text)


def test_a_whole_number_that_is_none_is_refused(native):
    told = wrong(native, "undescribed-people", "age,visits\n1,3\n1,2.5\n")
    assert told == "the CSV line 3, column 'visits': 2.5 is no INT64, or out of its range"


@pytest.mark.parametrize("model", ["undescribed-people", "same-names"])
def test_unknown_and_missing_columns_are_named(native, model):
    fields = refusal(csv(native, model, "age,hair\n1,2\n"))
    assert fields == {
        "hair": "unknown column; there are: 'age', 'visits'",
        "visits": "missing: the header does not name this column",
    }


@pytest.mark.parametrize("model", ["undescribed-people", "same-names"])
def test_the_column_that_was_meant_is_suggested(native, model):
    assert "did you mean 'visits'?" in refusal(csv(native, model, "age,Visit\n1,2\n"))["Visit"]


def test_bad_cells_are_named_together_by_their_lines(native):
    text = f'{HEADER}\n1,2,x,4\n\n1,2,3,"4\n"\n1,?,3,y\n'
    first = "the CSV line 2, column 'petal length': wants a number, got \"x\"; line 6, column "
    told = wrong(native, "iris", text)
    assert told.startswith(first + "'petal width': wants a number, got \"y\"; line 6, column 'sepal width'")
    assert wrong(native, "flowers", text) == first + "'sepal width': wants a number, got \"?\""


@pytest.mark.parametrize("model", ["iris", "flowers"])
def test_of_very_many_bad_cells_the_first_are_named(native, model):
    told = wrong(native, model, HEADER + "\n1,2,x,4" * 500)
    assert [f"line {line}, column 'petal length'" in told for line in (2, 11, 12)] == [True, True, False]
    assert told.endswith("there may be more")


def test_in_a_large_table_the_first_bad_cell_is_named(native):
    assert "line 20002, column" in wrong(native, "flowers", HEADER + "\n1,2,3,4" * 20_000 + "\n1,2,3,x")


@pytest.mark.parametrize("model", ["iris", "flowers"])
def test_a_number_is_the_same_with_a_description_and_without(native, model):
    text = f"{HEADER}\n 5.1 ,+3.5,14e-1,{{}}\n"
    assert csv(native, model, text.format("true"))[0] == 200
    for cell in ("1_0", "1e999", "٣", "0x1", "1,5", "yes"):
        told = wrong(native, model, text.format(f'"{cell}"'))
        assert told.startswith("the CSV line 2, column 'petal width': wants a number")


def test_a_model_that_no_table_fits_tells_what_it_takes(native):
    assert "table" in csv(native, "plain", "a\nb\n")[1]["error"]


def test_an_empty_cell_is_nan_where_the_description_says_so(native):
    assert prediction(csv(native, "holes", "a,b,c\n1,,2\n, ,nan\n")) == [[False, True, False], [True, True, True]]
    assert "line 2, column 'b'" in wrong(native, "no-holes", "a,b,c\n1,,2\n")
    assert "line 2, column 'b': wants a number" in wrong(native, "holes", "a,b,c\n1,x,2\n")


@pytest.mark.parametrize(
    ("input_format", "data"),
    [
        ("json", [[1, None, 2]]),
        ("json", {"x": [[1, None, 2]]}),
        ("json", [{"x": [1, None, 2]}]),
        ("numpy array", [[1, None, 2]]),
        ("numpy array", {"x": [[1, None, 2]]}),
    ],
)
def test_null_is_nan_where_the_description_says_so(native, data, input_format):
    assert prediction(native.json("holes", data, input_format)) == [[False, True, False]]
    assert native.json("no-holes", data, input_format)[0] == 400


@pytest.mark.parametrize("text", ["," * 3_000_000, "a\n" + "1\n" * 2_000_000])
def test_more_cells_than_a_call_takes_are_refused_before_they_are_read(native, text):
    assert csv(native, "iris", text)[0] == 413


def test_csv_is_text(native):
    assert "must be CSV text" in refusal(native.json("iris", [[1, 2]], "csv"))["data"]


@given(
    st.lists(
        st.tuples(st.floats(width=32, allow_nan=False), st.integers(-(1 << 63), (1 << 63) - 1)), min_size=1, max_size=8
    )
)
def test_numbers_come_through_exactly(native, rows):
    text = "x_INT64,x_FP32\n" + "".join(f"{whole},{real!r}\n" for real, whole in rows)
    _, body = csv(native, "pair", text)
    assert body["prediction"]["y_INT64"] == [whole for _, whole in rows]
    np.testing.assert_array_equal(np.float32(body["prediction"]["y_FP32"]), np.float32([real for real, _ in rows]))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=5))
def test_strings_come_through_exactly(native, texts):
    file = io.StringIO()
    writer = csv_module.writer(file, quoting=csv_module.QUOTE_ALL)
    writer.writerows([["s"], *([text] for text in texts)])
    assert prediction(csv(native, "loud", file.getvalue())) == [text + "!" for text in texts]

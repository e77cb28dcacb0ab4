import numpy as np
import pytest

from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec
from aimass.inference.values import check_names, decode_columns, decode_rows, decode_value

PIXELS = TensorSpec("pixels", "FP32", (-1, 4), "tensor(float)")
AGE = TensorSpec("age", "FP32", (-1, 1), "tensor(float)")
NAME = TensorSpec("name", "BYTES", (-1,), "tensor(string)")
SCALES = TensorSpec("scales", "BYTES", (1,), "optional(tensor(float))")


def refusal(work, *arguments):
    with pytest.raises(InvalidArguments) as caught:
        work(*arguments)
    return caught.value


def test_rows_are_stacked_along_a_new_first_dimension():
    values = decode_rows([AGE, NAME], [{"age": [1], "name": "a"}, {"age": [2], "name": "b"}])
    assert values["age"].tolist() == [[1], [2]]
    assert values["name"].tolist() == ["a", "b"]


def test_a_model_of_one_input_takes_rows_without_a_name():
    assert decode_rows([PIXELS], [[1, 2, 3, 4]])["pixels"].shape == (1, 4)
    assert decode_rows([PIXELS], [{"pixels": [1, 2, 3, 4]}])["pixels"].shape == (1, 4)
    assert decode_rows([NAME], [{"b64": "YQ=="}])["name"].tolist() == ["a"]


def test_a_column_of_numbers_fits_an_input_of_one_column():
    assert decode_columns([AGE], {"age": [31, 42]})["age"].tolist() == [[31], [42]]


def test_no_rows_at_all_fit_an_input_of_several_dimensions():
    assert decode_value(PIXELS, []).shape == (0, 4)


def test_an_optional_input_may_be_left_out():
    assert decode_columns([PIXELS, SCALES], {"pixels": [[1, 2, 3, 4]]}).keys() == {"pixels"}


@pytest.mark.parametrize(("data", "came"), [([1, 2, 3, 4], "[4]"), ([[1, 2]], "[1, 2]"), (1, "[]")])
def test_a_shape_that_does_not_fit_says_what_is_wanted_and_what_came(data, came):
    error = refusal(decode_value, PIXELS, data)
    assert error.message == f"input 'pixels': wants FP32 of shape [-1, 4], got shape {came}"


def test_missing_and_unknown_inputs_are_all_named():
    error = refusal(check_names, [PIXELS, NAME], {"pixel": 1})
    assert error.details["fields"] == {
        "pixel": "unknown input",
        "pixels": "missing: FP32 of shape [-1, 4]",
        "name": "missing: BYTES of shape [-1]",
    }
    assert "this model takes 'pixels', 'name'" in error.message


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([{"age": [1], "name": "a"}, {"age": [2]}], "row 1 names other inputs than row 0: name"),
        ([{"age": [1], "name": "a"}, [1]], "row 1 must be an object"),
        ([], "missing"),
    ],
)
def test_rows_that_differ_are_refused(rows, what):
    assert what in refusal(decode_rows, [AGE, NAME], rows).message


def test_a_row_that_names_another_input_says_so():
    assert "input 'pixel': unknown input" in refusal(decode_rows, [PIXELS], [{"pixel": [1, 2, 3, 4]}]).message


def test_a_shape_that_the_runtime_left_open_takes_any():
    anything = TensorSpec("x", "INT64", (), "tensor(int64)")
    assert decode_value(anything, [[1], [2]]).dtype == np.int64
    assert decode_value(anything, 1).shape == ()

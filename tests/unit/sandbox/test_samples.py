from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from aimass.domain.errors import InvalidSample
from aimass.inference.tensors import numpy_dtype
from aimass.sandbox.tasks.sample import read_outputs, read_sample
from tests.unit.sandbox.conftest import Verify
from tests.unit.sandbox.graphs import INT64, model, node, relu, value
from tests.unit.sandbox.replaying import Declared

TWO_INPUTS = model(
    [node("Add", ["a", "b"], ["y"])], [value("a", ["n", 2]), value("b", ["n", 2])], [value("y", ["n", 2])]
)
ROWS = [[1, 2], [3, 4]]


def identity(element: int, shape: list[Any]) -> Any:
    return model([node("Identity", ["x"], ["y"])], [value("x", shape, element)], [value("y", shape, element)])


def as_json(folder: Path, document: object) -> Path:
    (folder / "sample").write_text(json.dumps(document))
    return folder / "sample"


def as_npz(folder: Path, *arrays: Any, **named: Any) -> Path:
    with (folder / "sample").open("wb") as file:
        np.savez(file, *arrays, **named)
    return folder / "sample"


@pytest.mark.parametrize(
    "document",
    [
        {"a": ROWS, "b": ROWS},
        {"inputs": {"a": ROWS, "b": ROWS}},
        {"data": {"a": ROWS, "b": ROWS}, "model_name": "m"},
        {"instances": [{"a": [1, 2], "b": [3, 4]}, {"a": [1, 2], "b": [3, 4]}]},
        {
            "inputs": [
                {"name": "a", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4]},
                {"name": "b", "shape": [2, 2], "datatype": "FP32", "data": ROWS},
            ]
        },
        {"a": ROWS, "b": ROWS, "label": [0, 1]},
        {"a": [1, 2], "b": [3, 4]},
    ],
)
def test_json_names_the_inputs_in_any_form(verify: Verify, tmp_path: Path, document: object) -> None:
    assert verify(TWO_INPUTS, as_json(tmp_path, document)).measurements.runs == 50


def test_arrays_come_by_name_or_in_order(verify: Verify, tmp_path: Path) -> None:
    rows = np.array(ROWS, np.float64)
    assert verify(TWO_INPUTS, as_npz(tmp_path, a=rows, b=rows, label=rows)).measurements.runs == 50
    assert verify(TWO_INPUTS, as_npz(tmp_path, rows, rows)).measurements.runs == 50


@pytest.mark.parametrize("document", [[1.5, 2], {"x": [1.5, 2]}, {"inputs": [1.5, 2]}, {"data": [1.5, 2]}])
def test_a_single_input_needs_no_name(verify: Verify, tmp_path: Path, document: object) -> None:
    assert verify(relu(), as_json(tmp_path, document)).measurements.runs == 50


def test_a_single_array_needs_no_name(verify: Verify, tmp_path: Path) -> None:
    with (tmp_path / "sample").open("wb") as file:
        np.save(file, np.ones(2))
    assert verify(relu(), tmp_path / "sample").measurements.runs == 50


def test_texts_and_large_numbers_are_read(verify: Verify, tmp_path: Path) -> None:
    assert verify(identity(TensorProto.STRING, ["n"]), as_npz(tmp_path, x=np.array(["a", "ü"]))).outputs
    assert verify(identity(INT64, ["n"]), as_json(tmp_path, [2**63 - 1, -(2**63), 2.0])).outputs
    assert verify(identity(TensorProto.UINT64, ["n"]), as_json(tmp_path, [2**64 - 1, 0])).outputs


@pytest.mark.parametrize(
    ("element", "shape", "values", "message"),
    [
        (TensorProto.FLOAT, ["n", 3], [[1, 2]], r"'x': it wants FP32 \[-1, 3\], the sample has int \[1, 2\]"),
        (TensorProto.FLOAT, ["n", 2], [[[1, 2]]], r"wants FP32 \[-1, 2\], the sample has int \[1, 1, 2\]"),
        (TensorProto.FLOAT, ["n"], ["text"], r"wants FP32 \[-1\], the sample has str \[1\]"),
        (TensorProto.FLOAT, ["n", 2], [[1, 2], [3]], r"wants FP32 .* \(setting an array"),
        (INT64, ["n"], [1.5], r"wants INT64 \[-1\], the sample has float \[1\] \(fractions"),
        (TensorProto.UINT8, ["n"], [300], r"wants UINT8 .* out of bounds"),
        (TensorProto.STRING, ["n"], [1], r"wants BYTES \[-1\], the sample has int \[1\]"),
        (TensorProto.BOOL, ["n"], [0.5], r"wants BOOL \[-1\], the sample has float \[1\]"),
    ],
)
def test_a_sample_that_does_not_fit_says_what_is_wanted_and_got(
    verify: Verify, tmp_path: Path, element: int, shape: list[Any], values: object, message: str
) -> None:
    with pytest.raises(InvalidSample, match=message) as caught:
        verify(identity(element, shape), as_json(tmp_path, values))
    assert caught.value.details["input"] == "x"


def test_data_that_do_not_have_their_shape_are_named(verify: Verify, tmp_path: Path) -> None:
    sample = [{"name": "x", "shape": [3], "datatype": "FP32", "data": [1, 2]}]
    with pytest.raises(InvalidSample, match="the sample's data for 'x' do not have its shape"):
        verify(relu(), as_json(tmp_path, sample))


def test_bfloat16_is_read_from_numbers_and_from_numpys_files(verify: Verify, tmp_path: Path) -> None:
    brain = np.ones(2, numpy_dtype("BF16"))
    assert verify(identity(TensorProto.BFLOAT16, ["n"]), as_json(tmp_path, [1.5, -2])).inputs[0].datatype == "BF16"
    assert verify(identity(TensorProto.BFLOAT16, ["n"]), as_npz(tmp_path, x=brain)).inputs[0].datatype == "BF16"


def test_a_missing_input_is_named(verify: Verify, tmp_path: Path) -> None:
    with pytest.raises(InvalidSample, match=r"lacks the inputs \['b'\]; it has \['a'\]"):
        verify(TWO_INPUTS, as_json(tmp_path, {"a": ROWS}))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"1,2,3\n4,5,6", b"PK\x03\x04", b"\x93NUMPY", pickle.dumps([1])])
def test_what_cannot_be_read_names_the_forms(verify: Verify, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "sample").write_bytes(content)
    with pytest.raises(InvalidSample, match=r"a sample is \.npz, \.npy .* or JSON"):
        verify(relu(), tmp_path / "sample")


def test_a_pickle_in_an_array_is_never_loaded(verify: Verify, tmp_path: Path) -> None:
    with pytest.raises(InvalidSample, match="allow_pickle=False"):
        verify(relu(), as_npz(tmp_path, x=np.array([{}, {}], object)))


@pytest.mark.parametrize("count", [10**10, 10**18, 10**30])
def test_an_array_larger_than_its_file_is_the_samples_fault(verify: Verify, tmp_path: Path, count: int) -> None:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({count},), }}".encode()
    (tmp_path / "sample").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(64))
    with pytest.raises(InvalidSample, match="the sample cannot be read"):
        verify(relu(), tmp_path / "sample")


def test_a_sample_that_the_model_refuses_says_why(verify: Verify, tmp_path: Path) -> None:
    proto = model([node("Add", ["a", "b"], ["y"])], [value("a", ["n"]), value("b", ["m"])], [value("y", None)])
    with pytest.raises(InvalidSample, match=r"the model refuses the sample: .*Add"):
        verify(proto, as_json(tmp_path, {"a": [1, 2], "b": [1, 2, 3]}))


COLUMNS = model(
    [node("Concat", ["age", "size"], ["y"], axis=1)],
    [value("age", ["n", 1]), value("size", ["n", 1])],
    [value("y", ["n", 2])],
)


@pytest.mark.parametrize(
    "document",
    [
        {"age": [1, 2, 3], "size": [4, 5, 6]},
        {"inputs": {"age": [1, 2, 3], "size": [4, 5, 6]}},
        [{"age": 1, "size": 4}, {"age": 2, "size": 5}],
        {"age": 1, "size": 4},
        [[1, 4], [2, 5], [3, 6]],
        {"instances": [[1, 4], [2, 5], [3, 6]]},
    ],
)
def test_rows_and_columns_of_plain_numbers_fit_inputs_of_one_column_each(
    verify: Verify, tmp_path: Path, document: object
) -> None:
    assert verify(COLUMNS, as_json(tmp_path, document)).measurements.runs == 50


def test_a_table_as_an_array_fits_inputs_of_one_column_each(tmp_path: Path) -> None:
    np.save(tmp_path / "sample.npy", np.array([[1, 4], [2, 5], [3, 6.0]]))
    inputs = [Declared("age", shape=("n", 1)), Declared("size", shape=("n", 1))]
    found = read_sample(tmp_path / "sample.npy", inputs)
    assert [column.ravel().tolist() for column in found.values()] == [[1, 2, 3], [4, 5, 6]]


PERSON = [Declared("age", shape=("n", 1)), Declared("city", "tensor(string)", ("n", 1))]


@pytest.mark.parametrize(
    "document",
    [
        {"age": [31, None, 7], "city": ["Rome", "Oslo", None]},
        [{"age": 31, "city": "Rome"}, {"age": None, "city": "Oslo"}, {"age": 7, "city": None}],
        [[31, "Rome"], [None, "Oslo"], [7, None]],
        {"age": [31, float("nan"), 7], "city": ["Rome", "Oslo", float("nan")]},
        {"age": [[31], [None], [7]], "city": [["Rome"], ["Oslo"], [None]]},
    ],
)
def test_null_is_what_a_column_has_for_a_missing_value(tmp_path: Path, document: object) -> None:
    found = read_sample(as_json(tmp_path, document), PERSON)
    assert found["city"].ravel().tolist() == ["Rome", "Oslo", ""]
    np.testing.assert_array_equal(found["age"].ravel(), np.float32([31, np.nan, 7]))


def test_a_column_with_nothing_but_missing_texts_is_one_of_texts(tmp_path: Path) -> None:
    found = read_sample(as_json(tmp_path, {"age": [1, 2], "city": [None, float("nan")]}), PERSON)
    assert found["city"].ravel().tolist() == ["", ""]


@pytest.mark.parametrize(("kind", "datatype"), [("tensor(int64)", "INT64"), ("tensor(bool)", "BOOL")])
def test_null_is_refused_where_nothing_says_that_a_value_is_missing(tmp_path: Path, kind: str, datatype: str) -> None:
    with pytest.raises(InvalidSample, match=f"null: no {datatype} says that a value is missing"):
        read_sample(as_json(tmp_path, {"x": [1, None]}), [Declared("x", kind, ("n",))])


def test_a_slip_in_one_row_is_named_with_its_row(tmp_path: Path) -> None:
    rows = [{"age": 31, "city": "Rome"}, {"age": 52, "citty": "Oslo"}]
    with pytest.raises(InvalidSample, match=r"row 1 .* lacks 'city', and has 'citty', which the model") as refused:
        read_sample(as_json(tmp_path, rows), PERSON)
    assert refused.value.details == {"row": 1, "missing": ["city"], "unknown": ["citty"]}
    with pytest.raises(InvalidSample, match=r"row 1 .* lacks 'age'; null says"):
        read_sample(as_json(tmp_path, [rows[0], {"city": "Oslo"}]), PERSON)
    with pytest.raises(InvalidSample, match=r"row 1 .* has 1 values; the model has 2 columns"):
        read_sample(as_json(tmp_path, [[31, "Rome"], ["Oslo"]]), PERSON)


def test_rows_that_differ_in_what_no_input_is_called_are_read(tmp_path: Path) -> None:
    rows = [{"age": 31, "city": "Rome", "id": 7}, {"age": 52, "city": "Oslo"}]
    assert read_sample(as_json(tmp_path, rows), PERSON)["age"].ravel().tolist() == [31, 52]


@pytest.mark.parametrize("document", [[0, 1], [[0.1, 0.9]], {"outputs": [0, 1]}])
def test_expected_outputs_without_a_name_are_asked_for_theirs(tmp_path: Path, document: object) -> None:
    outputs = [Declared("label", "tensor(int64)", ("n",)), Declared("probabilities")]
    with pytest.raises(InvalidSample, match=r'has 2 outputs: name .* as {"label": \[...\], "probabilities": \[...\]}'):
        read_outputs(as_json(tmp_path, document), outputs)
    assert [*read_outputs(as_json(tmp_path, {"label": [0, 1]}), outputs)] == ["label"]
    assert [*read_outputs(as_json(tmp_path, [0, 1]), outputs[:1])] == ["label"]

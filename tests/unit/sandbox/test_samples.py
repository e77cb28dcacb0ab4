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
from tests.unit.sandbox.conftest import Verify
from tests.unit.sandbox.graphs import INT64, model, node, relu, value

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

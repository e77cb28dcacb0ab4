import math

import numpy as np
import pytest

from aimass.domain.datatypes import parse_type
from aimass.domain.errors import InvalidArguments, PredictionFailed
from aimass.inference.jsontext import dumps
from aimass.inference.structured import decode_structured, encode_structured


def decode(onnx_type, data):
    return decode_structured("x", parse_type(onnx_type), data)


def encode(onnx_type, value):
    return dumps(encode_structured(parse_type(onnx_type), value))


def test_a_sequence_of_tensors_is_a_list_of_nested_lists():
    first, second = decode("seq(tensor(float))", [[1, 2], [[3]]])
    assert (first.dtype, first.tolist(), second.tolist()) == (np.float32, [1, 2], [[3]])
    assert encode("seq(tensor(float))", [first, second]) == b"[[1.0,2.0],[[3.0]]]"


def test_a_map_is_an_object_whose_integer_keys_are_text():
    value = decode("map(int64,tensor(float))", {"5": 0.5, "-1": 2})
    assert value == {5: 0.5, -1: 2.0}
    assert encode("map(int64,tensor(float))", value) == b'{"5":0.5,"-1":2.0}'


def test_zipmaps_sequence_of_maps_is_a_list_of_objects():
    value = [{"cat": 0.25, "dog": math.nan}, {"cat": 1.0, "dog": math.inf}]
    text = b'[{"cat":0.25,"dog":NaN},{"cat":1.0,"dog":Infinity}]'
    assert encode("seq(map(string,tensor(float)))", value) == text


def test_an_absent_optional_is_null():
    assert decode("optional(tensor(int64))", None) is None
    assert decode("optional(tensor(int64))", [7]).tolist() == [7]
    assert encode("optional(seq(tensor(int64)))", None) == b"null"
    assert encode("optional(seq(tensor(int64)))", [np.array([7])]) == b"[[7]]"


@pytest.mark.parametrize(
    ("onnx_type", "data", "what"),
    [
        ("seq(tensor(float))", {"a": 1}, "wants a sequence"),
        ("map(int64,tensor(float))", [1], "wants a map"),
        ("map(int64,tensor(float))", {"one": 1}, "wants integer keys, got 'one'"),
        ("seq(tensor(uint8))", [[1], [300]], "300 is out of the range of UINT8"),
    ],
)
def test_a_value_of_another_type_is_named(onnx_type, data, what):
    with pytest.raises(InvalidArguments) as caught:
        decode(onnx_type, data)
    assert caught.value.message.startswith("input 'x': ")
    assert what in caught.value.message


@pytest.mark.parametrize("onnx_type", ["tensor(float8e4m3fn)", "sparse_tensor(float)", "opaque(a,b)"])
def test_a_type_that_no_wire_carries_is_named(onnx_type):
    with pytest.raises(PredictionFailed) as caught:
        parse_type(onnx_type)
    assert onnx_type in caught.value.message

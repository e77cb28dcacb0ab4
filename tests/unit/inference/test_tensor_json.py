import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aimass.domain.errors import InvalidArguments
from aimass.inference.jsontext import dumps, loads
from aimass.inference.tensor_json import decode_tensor, encode_tensor
from aimass.inference.tensors import numpy_dtype
from tests.unit.inference.models import ELEMENTS

INTEGERS = [name for name in ELEMENTS if "INT" in name]
FLOATS = ["FP16", "FP32", "FP64"]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=4)


def through_json(datatype, array):
    return decode_tensor("x", datatype, loads(dumps(encode_tensor(array))))


def refusal(datatype, data):
    with pytest.raises(InvalidArguments) as caught:
        decode_tensor("x", datatype, data)
    assert caught.value.details["fields"].keys() == {"x"}
    return caught.value.message


@pytest.mark.parametrize("datatype", ["BOOL", *INTEGERS, *FLOATS])
@given(st.data())
def test_every_array_of_numbers_survives_json_bit_for_bit(datatype, data):
    array = data.draw(hnp.arrays(numpy_dtype(datatype), SHAPES))
    back = through_json(datatype, array)
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(back, array)
    if datatype in FLOATS:
        np.testing.assert_array_equal(np.signbit(back), np.signbit(np.where(np.isnan(array), 0, array)))


@given(hnp.arrays(np.uint16, SHAPES))
def test_every_bfloat16_survives_json(bits):
    array = bits.view(numpy_dtype("BF16"))
    np.testing.assert_array_equal(through_json("BF16", array).astype(np.float32), array.astype(np.float32))


@given(st.lists(st.text(), max_size=5))
def test_every_unicode_text_survives_json(texts):
    array = np.array([*texts, None], object)[:-1]
    assert through_json("BYTES", array).tolist() == texts


@given(st.binary())
def test_every_byte_string_survives_json_as_base64(raw):
    back = decode_tensor("x", "BYTES", loads(dumps(encode_tensor(np.array([raw, None], object)[:1]))))[0]
    assert (back.encode() if isinstance(back, str) else back) == raw


@pytest.mark.parametrize(
    ("datatype", "edges"),
    [
        ("INT64", [-(2**63), 2**63 - 1]),
        ("UINT64", [0, 2**64 - 1]),
        ("INT64", [2**53 + 1]),
        ("UINT8", [0, 255]),
        ("INT8", [-128, 127]),
    ],
)
def test_integers_at_the_edge_are_exact(datatype, edges):
    assert decode_tensor("x", datatype, loads(dumps(edges))).tolist() == edges
    assert loads(dumps(encode_tensor(decode_tensor("x", datatype, edges)))) == edges


@pytest.mark.parametrize("datatype", FLOATS)
def test_nan_and_the_infinities_go_both_ways(datatype):
    array = decode_tensor("x", datatype, loads(b"[NaN, Infinity, -Infinity, 1.5]"))
    assert math.isnan(array[0])
    assert array[1:].tolist() == [math.inf, -math.inf, 1.5]
    assert dumps({"y": encode_tensor(array)}) == b'{"y":[NaN, Infinity, -Infinity, 1.5]}'


@pytest.mark.parametrize(
    ("datatype", "data", "what"),
    [
        ("UINT8", [1, 300], "300 is out of the range of UINT8"),
        ("UINT8", [-1], "-1 is out of the range of UINT8"),
        ("INT64", loads(b"[9223372036854775808]"), "9223372036854775808 is out of the range of INT64"),
        ("INT64", loads(b"[-9223372036854775809]"), "got -9.223372036854776e+18"),
        ("UINT64", loads(b"[18446744073709551616]"), "got 1.8446744073709552e+19"),
        ("INT64", [1, 1.5], "wants INT64, got 1.5"),
        ("INT64", [1, float("nan")], "wants INT64, got NaN"),
        ("INT32", [1, True], "wants INT32, got true"),
        ("FP32", [0.5, False], "wants FP32, got false"),
        ("FP32", [0.5, None], "wants FP32, got null"),
        ("FP32", ["a"], 'wants FP32, got "a"'),
        ("FP32", [1e39], "1e+39 is out of the range of FP32"),
        ("FP16", [1.0, 70000], "70000 is out of the range of FP16"),
        ("BF16", [3.4e38 * 1.1], "is out of the range of BF16"),
        ("FP64", [10**400], "a number is out of the range of FP64"),
        ("BOOL", [True, 1], "wants BOOL, got 1"),
        ("BYTES", ["a", 5], "wants BYTES, got 5"),
        ("BYTES", [{"b64": "***"}], "b64 is not base64"),
        ("BYTES", [{"text": "a"}], "wants BYTES"),
        ("BYTES", ["\ud800"], "surrogate"),
        ("FP32", [[1, 2], [3]], "ragged lists: one has 2 elements, beside it is [3]"),
        ("FP32", [[1, 2], 3], "ragged lists: one has 2 elements, beside it is 3"),
        ("FP32", [1, [2]], "ragged lists: a list stands beside single values"),
        ("FP32", {"a": 1}, "wants FP32, got {"),
    ],
)
def test_a_value_that_does_not_fit_is_named(datatype, data, what):
    message = refusal(datatype, data)
    assert message.startswith("input 'x': ")
    assert what in message


def nested(depth, inmost=1):
    for _ in range(depth):
        inmost = [inmost]
    return inmost


def test_a_tensor_has_at_most_64_dimensions():
    assert decode_tensor("x", "FP32", nested(64)).shape == (1,) * 64
    assert refusal("FP32", nested(65)) == "input 'x': more than 64 dimensions"
    assert refusal("FP32", nested(900)) == "input 'x': more than 64 dimensions"


@pytest.mark.parametrize("data", [[1, nested(990)], [[1], nested(990)], {"a": nested(990)}])
def test_what_is_nested_too_deep_to_show_is_refused(data):
    refusal("FP32", data)


def test_a_float_without_a_fraction_is_an_integer():
    assert decode_tensor("x", "INT64", [1.0, -2.0]).tolist() == [1, -2]


@pytest.mark.parametrize(
    ("data", "shape"), [(3.5, ()), ([], (0,)), ([[], []], (2, 0)), ([[1, 2, 3]], (1, 3)), ([[[1]], [[2]]], (2, 1, 1))]
)
def test_the_shape_is_that_of_the_lists(data, shape):
    array = decode_tensor("x", "FP32", data)
    assert array.shape == shape
    assert loads(dumps(encode_tensor(array))) == data


def test_a_float32_is_written_as_short_as_reads_back():
    assert dumps(encode_tensor(np.array([0.1, 1e-7], np.float32))) == b"[0.1,1e-7]"


def test_an_array_in_any_layout_is_written_row_by_row():
    array = np.arange(6, dtype=np.int32).reshape(2, 3).T
    assert loads(dumps(encode_tensor(array))) == [[0, 3], [1, 4], [2, 5]]

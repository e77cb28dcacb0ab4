import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aimass.domain.errors import InvalidArguments
from aimass.inference.tensor_binary import decode_binary, encode_binary
from aimass.inference.tensors import numpy_dtype
from tests.unit.inference.models import ELEMENTS

NUMBERS = [name for name in ELEMENTS if name not in {"BYTES", "BF16"}]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


def through_binary(datatype, array, offset=0):
    """Encoded, and decoded from `offset` bytes into a larger buffer, as behind a JSON header."""
    buffer = memoryview(bytes(offset) + bytes(encode_binary(array)))
    return decode_binary("x", datatype, list(array.shape), buffer[offset:])


def refusal(*arguments):
    with pytest.raises(InvalidArguments) as caught:
        decode_binary(*arguments)
    return caught.value.message


@pytest.mark.parametrize("datatype", NUMBERS)
@given(st.data(), st.integers(0, 8))
def test_every_array_survives_bit_for_bit_wherever_it_lies(datatype, data, offset):
    array = data.draw(hnp.arrays(numpy_dtype(datatype), SHAPES))
    back = through_binary(datatype, array, offset)
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.tobytes() == array.tobytes()
    assert back.flags.aligned


@given(hnp.arrays(np.uint16, SHAPES))
def test_every_bfloat16_survives_bit_for_bit(bits):
    assert through_binary("BF16", bits.view(numpy_dtype("BF16"))).tobytes() == bits.tobytes()


@given(st.lists(st.binary(max_size=9), max_size=6))
def test_every_byte_string_survives(elements):
    array = np.array([*elements, None], object)[:-1]
    back = through_binary("BYTES", array)
    assert [one.encode() if isinstance(one, str) else one for one in back] == elements


def test_numbers_are_views_of_the_body_not_copies():
    body = bytearray(np.arange(4, dtype=np.float32).tobytes())
    array = decode_binary("x", "FP32", [4], memoryview(body))
    body[:4] = np.float32(9).tobytes()
    assert array[0] == 9


def test_an_array_in_any_layout_is_written_row_by_row():
    assert bytes(encode_binary(np.array([[1, 2], [3, 4]], np.uint8).T)) == bytes([1, 3, 2, 4])


@pytest.mark.parametrize(
    ("datatype", "shape", "data", "what"),
    [
        ("FP32", [2], bytes(4), "FP32 of shape [2] is 8 bytes, got 4"),
        ("FP32", [-1], bytes(4), "shape must be a list of sizes"),
        ("FP32", [True], bytes(4), "shape must be a list of sizes"),
        ("FP32", [2.0], bytes(8), "shape must be a list of sizes"),
        ("INT64", [1 << 39, 1 << 39], bytes(8), "no array can have the shape [549755813888, 549755813888]"),
        ("INT64", [0, 1 << 39, 1 << 39], b"", "no array can have the shape [0, 549755813888, 549755813888]"),
        ("INT64", [1 << 39, 1 << 19], bytes(8), "got 8"),
        ("INT64", [1] * 65, bytes(8), "more than 64 dimensions"),
        ("INT64", [[[1]]], bytes(8), "shape must be a list of sizes, got [[[1]]]"),
        ("BOOL", [2], b"\x01\x02", "a BOOL is one byte, 0 or 1"),
        ("BYTES", [1], b"\x05\0\0\0ab", "ends inside element 0 of 1"),
        ("BYTES", [2], b"\x01\0\0\0a", "ends inside element 1 of 2"),
        ("BYTES", [1 << 39], b"\x01\0\0\0a", "ends inside element 1"),
        ("BYTES", [1], b"\x01\0\0\0aXY", "2 bytes are left after 1 elements"),
    ],
)
def test_data_that_do_not_fill_the_shape_are_refused(datatype, shape, data, what):
    message = refusal("x", datatype, shape, memoryview(data))
    assert message.startswith("input 'x': ")
    assert what in message

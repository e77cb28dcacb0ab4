"""Tensors as the Open Inference Protocol's binary extension has them: little-endian, row-major, without padding.

A BYTES element is its length as a 4-byte unsigned integer, then its bytes; a BOOL is one byte, 0 or 1.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from aimass.inference.tensor_json import text_of
from aimass.inference.tensors import Array, bad_input, element_count, numpy_dtype

_LENGTH = struct.Struct("<I")


def decode_binary(name: str, datatype: str, shape: Sequence[int], data: memoryview) -> Array:
    """The array of that shape, a view of `data` where it is aligned. Raises InvalidArguments naming the input."""
    count = element_count(name, shape)
    if datatype == "BYTES":
        return _decode_strings(name, count, data).reshape(shape)
    dtype = numpy_dtype(datatype)
    if len(data) != count * dtype.itemsize:
        raise bad_input(name, f"{datatype} of shape {list(shape)} is {count * dtype.itemsize} bytes, got {len(data)}")
    array = np.frombuffer(data, dtype).reshape(shape)
    if datatype == "BOOL" and (array.view(np.uint8) > 1).any():
        raise bad_input(name, "a BOOL is one byte, 0 or 1")
    return array if array.flags.aligned else array.copy()


def encode_binary(array: Array) -> bytes | memoryview:
    """The bytes of an array, without copying where it is contiguous."""
    if array.dtype.kind == "O":
        return _encode_strings(array)
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _decode_strings(name: str, count: int, data: memoryview) -> Array:
    array, at = np.empty(min(count, len(data)), object), 0
    raw = bytes(data)
    for index in range(count):
        start = at + _LENGTH.size
        at = start + _LENGTH.unpack_from(raw, at)[0] if start <= len(raw) else len(raw) + 1
        if at > len(raw):
            raise bad_input(name, f"the binary data ends inside element {index} of {count}")
        array[index] = text_of(raw[start:at])
    if at != len(raw):
        raise bad_input(name, f"{len(raw) - at} bytes are left after {count} elements")
    return array


def _encode_strings(array: Array) -> bytes:
    parts: list[bytes] = []
    for element in array.reshape(-1).tolist():
        raw = element.encode() if isinstance(element, str) else element
        parts += (_LENGTH.pack(len(raw)), raw)
    return b"".join(parts)

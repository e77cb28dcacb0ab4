"""Tensors as JSON: nested or flat lists of numbers, booleans or strings."""

from __future__ import annotations

import base64
import binascii
from itertools import chain
from typing import Any

import numpy as np

from aimass.domain.datatypes import FLOATS
from aimass.inference.jsontext import array_json
from aimass.inference.tensors import MAX_DIMENSIONS, Array, bad_input, brief, numpy_dtype, too_many_dimensions

_EXACT_FLOAT = 1 << 53  # beyond it a JSON float no longer names one integer


def decode_tensor(name: str, datatype: str, data: Any) -> Array:
    """The array that nested lists hold, in the shape that they have; anything but a list is a scalar.

    Raises InvalidArguments naming the input for ragged lists, for a value of another type and for one out of range.
    """
    flat, shape = _flatten(name, data)
    if datatype == "BYTES":
        array = _strings(name, flat)
    elif datatype == "BOOL":
        array = _booleans(name, flat)
    elif datatype in FLOATS:
        array = _floats(name, datatype, flat)
    else:
        array = _integers(name, datatype, flat)
    return array.reshape(shape)


def encode_tensor(array: Array) -> Any:
    """The array as nested lists for `jsontext.dumps`; bytes that are not UTF-8 become `{"b64": ...}`."""
    if array.dtype.kind == "O":
        return _strings_json(array.tolist())
    return array_json(array)


def _strings_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_strings_json(one) for one in value]
    return value if isinstance(value, str) else {"b64": base64.b64encode(value).decode("ascii")}


def _flatten(name: str, data: Any) -> tuple[list[Any], tuple[int, ...]]:
    if type(data) is not list:
        return [data], ()
    flat, shape = data, [len(data)]
    while flat and type(flat[0]) is list:
        if len(shape) == MAX_DIMENSIONS:
            raise too_many_dimensions(name)
        width = len(flat[0])
        for row in flat:
            if type(row) is not list or len(row) != width:
                raise bad_input(name, f"ragged lists: one has {width} elements, beside it is {brief(row)}")
        flat = list(chain.from_iterable(flat))
        shape.append(width)
    return flat, tuple(shape)


def _refuse(name: str, datatype: str, flat: list[Any], allowed: set[type]) -> None:
    """Raises for the first element of another type."""
    if set(map(type, flat)) <= allowed:
        return
    found = next(value for value in flat if type(value) not in allowed)
    if type(found) is list:
        raise bad_input(name, "ragged lists: a list stands beside single values")
    raise bad_input(name, f"wants {datatype}, got {brief(found)}")


def _booleans(name: str, flat: list[Any]) -> Array:
    _refuse(name, "BOOL", flat, {bool})
    return np.array(flat, np.bool_)


def _floats(name: str, datatype: str, flat: list[Any]) -> Array:
    _refuse(name, datatype, flat, {float, int})
    dtype = numpy_dtype(datatype)
    try:
        with np.errstate(over="ignore"):
            array = np.array(flat, dtype)
    except OverflowError as error:
        raise bad_input(name, f"a number is out of the range of {datatype}") from error
    infinite = np.isinf(array.astype(np.float32) if datatype == "BF16" else array)
    if infinite.any():
        _refuse_overflow(name, datatype, [flat[at] for at in np.flatnonzero(infinite)])
    return array


def _refuse_overflow(name: str, datatype: str, values: list[Any]) -> None:
    for value in values:
        if value not in (np.inf, -np.inf):
            raise bad_input(name, f"{brief(value)} is out of the range of {datatype}")


def _integers(name: str, datatype: str, flat: list[Any]) -> Array:
    _refuse(name, datatype, flat, {int, float})
    whole = [_whole(name, datatype, value) for value in flat] if float in set(map(type, flat)) else flat
    try:
        return np.array(whole, numpy_dtype(datatype))
    except OverflowError as error:
        limits = np.iinfo(numpy_dtype(datatype))
        found = next(value for value in whole if not limits.min <= value <= limits.max)
        raise bad_input(name, f"{brief(found)} is out of the range of {datatype}") from error


def _whole(name: str, datatype: str, value: Any) -> int:
    if type(value) is float and not (value.is_integer() and abs(value) <= _EXACT_FLOAT):
        raise bad_input(name, f"wants {datatype}, got {brief(value)}")
    return int(value)


def _strings(name: str, flat: list[Any]) -> Array:
    _refuse(name, "BYTES", flat, {str, dict})
    array = np.empty(len(flat), object)
    array[:] = [_string(name, value) if type(value) is dict else _sendable(name, value) for value in flat]
    return array


def _sendable(name: str, text: str) -> str:
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise bad_input(name, "a string holds half of a surrogate pair, which is not Unicode text")
    return text


def _string(name: str, value: dict[str, Any]) -> str | bytes:
    encoded = value.get("b64")
    if not isinstance(encoded, str) or len(value) != 1:
        raise bad_input(name, 'wants BYTES: strings, or {"b64": base64} for bytes')
    try:
        return text_of(base64.b64decode(encoded, validate=True))
    except binascii.Error as error:
        raise bad_input(name, f"b64 is not base64: {error}") from error


def text_of(element: bytes) -> str | bytes:
    """The text of a BYTES element, or the bytes themselves where they are not UTF-8."""
    try:
        return element.decode()
    except UnicodeDecodeError:
        return element

"""JSON text with what the JSON of machine learning has besides: numpy arrays, NaN and the infinities."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import orjson

from aimass.domain.errors import InvalidArguments, PayloadTooLarge

#: An element takes two bytes at least, and an answer 6.2 MB at most.
MAX_ELEMENTS = 3_100_000
_most = MAX_ELEMENTS
_TOKENS = (b"NaN", b"Infinity")


def loads(text: bytes) -> Any:
    """Parses JSON; `NaN`, `Infinity` and `-Infinity` are allowed, as TensorFlow Serving has them.

    Integers are exact from -2**63 to 2**64-1; beyond that they become floats. Raises InvalidArguments.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if any(token in text for token in _TOKENS):
            return _loads_with_tokens(text)
        raise InvalidArguments(f"the body is not JSON: {error}") from error


def _loads_with_tokens(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidArguments(f"the body is not JSON: {error}") from error


def dumps(value: Any) -> bytes:
    """JSON text of dicts, lists, numbers and what `array_json` and `number_json` give."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def answer_at_most(elements: int) -> None:
    """How many elements an output in JSON may have in this process, where no call has to carry it."""
    global _most
    _most = elements


def array_json(array: np.ndarray[Any, Any]) -> Any:
    """A number or boolean array in a form that `dumps` writes as nested lists, exactly; a scalar for shape ().

    A float has the shortest text that reads back as the same value in its own datatype. Raises PayloadTooLarge for
    what no answer can carry: orjson does not survive an allocation that fails.
    """
    if array.size > _most:
        raise PayloadTooLarge(
            f"an output has {array.size} elements, more than an answer in JSON carries; send fewer rows a call, or "
            "name only the outputs you need",
            elements=array.size,
            limit=_most,
        )
    if array.dtype.kind == "V":  # bfloat16, which orjson does not know
        array = array.astype(np.float32)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return orjson.Fragment(json.dumps(array.tolist()))
    if array.ndim:
        return np.ascontiguousarray(array)
    return array[()] if array.dtype.kind == "f" else array.item()


def number_json(value: Any) -> Any:
    """A single number in a form that `dumps` writes, NaN and the infinities included."""
    if isinstance(value, float | np.floating) and not math.isfinite(value):
        return orjson.Fragment(json.dumps(float(value)))
    return value

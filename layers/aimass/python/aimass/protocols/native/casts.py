"""Arrays of one type for inputs of another: only where every value stays what it is, or is rounded as JSON's are.

| from | to | |
| --- | --- | --- |
| floats | floats | rounded; a number that would overflow is refused |
| integers | integers, floats | exact, or refused |
| floats | integers | whole numbers that fit, or refused |
| booleans | booleans | |
| strings (`U`, `S`) | BYTES | `S` as UTF-8 where it is, else as bytes |
"""

from __future__ import annotations

from typing import Any

import numpy as np

from aimass.domain.datatypes import FLOATS
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec
from aimass.inference.tensor_json import decode_tensor, text_of
from aimass.inference.tensors import Array, bad_input, numpy_dtype, shape_text


def cast(spec: TensorSpec, array: Array) -> Array:
    """The array in the input's datatype, C-contiguous, in the machine's byte order.

    Raises InvalidArguments naming both datatypes where values would change.
    """
    if spec.datatype == "BYTES":
        return _strings(spec, array)
    wanted = numpy_dtype(spec.datatype)
    if spec.datatype == "BF16" and array.dtype == np.dtype("V2"):
        return np.ascontiguousarray(array).view(wanted).reshape(array.shape)  # numpy's files have no name for it
    if array.dtype.kind not in ("b" if wanted.kind == "b" else "iuf"):
        raise _wrong(spec, array)
    native = array.astype(array.dtype.newbyteorder("="), order="C", copy=False)
    if native.dtype == wanted:
        return native
    with np.errstate(over="ignore", invalid="ignore"):
        result = native.astype(wanted)
    _check(spec, native, result)
    return result


def _check(spec: TensorSpec, given: Array, result: Array) -> None:
    """Raises InvalidArguments for the first value that the cast did not keep."""
    if given.dtype.kind == "f" and spec.datatype in FLOATS:
        kept = ~(np.isinf(_plain(result)) & np.isfinite(given))
    elif given.dtype.kind == "f":
        kept = _within(given, result.dtype) & (given == np.trunc(given))
    elif spec.datatype in FLOATS:
        plain = _plain(result).astype(np.float64)
        inside = _within(plain, given.dtype)
        kept = inside & (np.where(inside, plain, 0).astype(given.dtype) == given)
    else:
        limits = np.iinfo(result.dtype)
        kept = (given >= limits.min) & (given <= limits.max)
    if not kept.all():
        raise _wrong(spec, given, given[~kept].flat[0])


def _within(numbers: Array, integers: np.dtype[Any]) -> Array:
    """Whether each lies in the range of an integer type. Its ends are powers of two, which floats hold exactly."""
    limits = np.iinfo(integers)
    return (numbers >= float(limits.min)) & (numbers < float(limits.max + 1))


def _plain(array: Array) -> Array:
    return array.astype(np.float32) if array.dtype.kind == "V" else array  # numpy's tests do not know bfloat16


def _strings(spec: TensorSpec, array: Array) -> Array:
    if array.dtype.kind not in "US":
        raise _wrong(spec, array)
    try:
        flat = array.reshape(-1).tolist()
    except ValueError as error:
        raise bad_input(spec.name, f"holds what is not Unicode text: {error}") from error
    if array.dtype.kind == "U":
        return decode_tensor(spec.name, "BYTES", flat).reshape(array.shape)
    texts = np.empty(len(flat), object)
    texts[:] = [text_of(one) for one in flat]
    return texts.reshape(array.shape)


def _wrong(spec: TensorSpec, array: Array, value: Any = None) -> InvalidArguments:
    wants = f"wants {spec.datatype} of shape {shape_text(spec.shape)}, got {array.dtype.name}"
    lost = "" if value is None else f", whose {value} it cannot hold"
    return bad_input(spec.name, f"{wants} of shape {shape_text(array.shape)}{lost}; save the array in that type")

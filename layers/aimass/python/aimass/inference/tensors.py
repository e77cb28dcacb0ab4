"""What a tensor of the Open Inference Protocol is in numpy, and the checks that every wire shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec

Array = np.ndarray[Any, Any]

_NUMPY = {
    "BOOL": "?",
    "UINT8": "<u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "<i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
    "BYTES": "O",
}


@cache
def numpy_dtype(datatype: str) -> np.dtype[Any]:
    """The numpy dtype of a protocol datatype. Raises KeyError for an unknown one."""
    if datatype == "BF16":
        from ml_dtypes import bfloat16

        brain: np.dtype[Any] = np.dtype(bfloat16)
        return brain
    return np.dtype(_NUMPY[datatype])


def bad_input(name: str, what: str) -> InvalidArguments:
    """The error that names an input and says what is wrong with it."""
    return InvalidArguments(f"input {name!r}: {what}", fields={name: what})


def shape_text(shape: Sequence[int]) -> str:
    """A shape as people write it; -1 is a variable dimension."""
    return "[" + ", ".join(map(str, shape)) + "]"


def check_shape(spec: TensorSpec, shape: Sequence[int]) -> None:
    """Raises InvalidArguments where a tensor cannot be this input.

    A declared shape of () says nothing: the runtime reports it for scalars and for unknown ranks alike.
    """
    if not spec.shape:
        return
    fits = len(shape) == len(spec.shape) and all(want in {-1, got} for want, got in zip(spec.shape, shape, strict=True))
    if not fits:
        raise bad_input(
            spec.name, f"wants {spec.datatype} of shape {shape_text(spec.shape)}, got shape {shape_text(shape)}"
        )


def fit_shape(spec: TensorSpec, array: Array) -> Array:
    """The array, reshaped where JSON cannot say what the input wants, then checked.

    Two cases: an empty list for an input of several dimensions, and a column of numbers for shape [-1, 1].
    """
    if array.ndim == len(spec.shape) - 1 and array.ndim and spec.shape[-1] == 1:
        array = array[..., np.newaxis]
    elif array.shape == (0,) and -1 in spec.shape:
        array = array.reshape([0 if size == -1 else size for size in spec.shape])
    check_shape(spec, array.shape)
    return array


def element_count(name: str, shape: Sequence[int]) -> int:
    """How many elements a given shape holds. Raises InvalidArguments unless all of it are sizes."""
    if not all(type(size) is int and 0 <= size < 1 << 40 for size in shape):
        raise bad_input(name, f"shape must be a list of sizes, got {str(list(shape))[:80]}")
    return math.prod(shape)

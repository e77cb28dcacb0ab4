"""What a tensor of the Open Inference Protocol is in numpy, and the checks that every wire shares."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from aimass.domain.datatypes import NUMPY_CODES
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec

Array = np.ndarray[Any, Any]

MAX_DIMENSIONS = 64  # numpy's, and so the runtime binding's
_MOST_ELEMENTS = 1 << 60  # numpy counts bytes in 63 bits
_SHOWN = 60


@cache
def numpy_dtype(datatype: str) -> np.dtype[Any]:
    """The numpy dtype of a protocol datatype. Raises KeyError for an unknown one."""
    if datatype == "BF16":
        import ml_dtypes  # noqa: F401  # numpy knows bfloat16 from here on
    return np.dtype(NUMPY_CODES[datatype])


def bad_input(name: str, what: str) -> InvalidArguments:
    """The error that names an input and says what is wrong with it."""
    return InvalidArguments(f"input {name!r}: {what}", fields={name: what})


def brief(value: Any) -> str:
    """The beginning of what a caller sent, as JSON, for a message."""
    try:
        return json.dumps(value)[:_SHOWN]
    except RecursionError:
        return "lists nested too deep to show"


def shape_text(shape: Sequence[int]) -> str:
    """A shape as people write it; -1 is a variable dimension."""
    return "[" + ", ".join(map(str, shape)) + "]"


def described(spec: TensorSpec) -> str:
    """What an input wants, as people say it."""
    return f"{spec.datatype} of shape {shape_text(spec.shape)}" if spec.shape else spec.datatype


def check_shape(spec: TensorSpec, shape: Sequence[int]) -> None:
    """Raises InvalidArguments where a tensor cannot be this input.

    A declared shape of () says nothing: the runtime reports it for scalars and for unknown ranks alike.
    """
    if not fits(spec.shape, shape):
        raise _misshapen(spec, shape)


def check_rest(spec: TensorSpec, shape: Sequence[int]) -> None:
    """As `check_shape`, but for the first dimension where it is fixed: what else fits may be several batches.

    Whether the model takes several is for `fixed_batch.runs_of` to say, before anything runs.
    """
    if not fits(spec.shape, shape) and not (shape and fits((-1, *spec.shape[1:]), shape)):
        raise _misshapen(spec, shape)


def fits(wanted: Sequence[int], shape: Sequence[int]) -> bool:
    """Whether a shape is what a declared one allows."""
    return not wanted or (
        len(shape) == len(wanted) and all(want in {-1, got} for want, got in zip(wanted, shape, strict=True))
    )


def _misshapen(spec: TensorSpec, shape: Sequence[int]) -> InvalidArguments:
    return bad_input(spec.name, f"wants {described(spec)}, got shape {shape_text(shape)}")


def fit_shape(spec: TensorSpec, array: Array) -> Array:
    """The array, reshaped where JSON cannot say what the input wants, then checked.

    Two cases: an empty list for an input of several dimensions, and a column of numbers for shape [-1, 1].
    """
    if array.ndim == len(spec.shape) - 1 and array.ndim and spec.shape[-1] == 1:
        array = array[..., np.newaxis]
    elif array.shape == (0,) and -1 in spec.shape:
        array = array.reshape([0 if size == -1 else size for size in spec.shape])
    check_rest(spec, array.shape)
    return array


def element_count(name: str, shape: Sequence[Any]) -> int:
    """How many elements a given shape holds.

    Raises InvalidArguments unless all of it are sizes, and an array can have that shape.
    """
    if len(shape) > MAX_DIMENSIONS:
        raise too_many_dimensions(name)
    if not all(type(size) is int and 0 <= size < 1 << 40 for size in shape):
        raise bad_input(name, f"shape must be a list of sizes, got {brief(shape)}")
    if math.prod(size for size in shape if size) >= _MOST_ELEMENTS:
        raise bad_input(name, f"no array can have the shape {shape_text(shape)}")
    return math.prod(shape)


def too_many_dimensions(name: str) -> InvalidArguments:
    """The error that names an input of too many dimensions."""
    return bad_input(name, f"more than {MAX_DIMENSIONS} dimensions")

"""A sample's values as arrays of the types and shapes that the runtime takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from aimass.domain.datatypes import MapType, OnnxType, OptionalType, SequenceType, TensorType
from aimass.inference.tensors import numpy_dtype
from aimass.sandbox.tasks.sample_file import is_column

_SAVED_BFLOAT16 = "|V2"  # numpy's files have no name for it


def typed(kind: OnnxType, value: Any, shape: list[Any], *, doubles: bool = False) -> Any:
    """The value as a type has it, with the batch dimension that it may lack; `doubles` keeps those as they came.

    Raises TypeError, ValueError, OverflowError and KeyError for one that it can't be.
    """
    if isinstance(kind, TensorType):
        return _shaped(_tensor("FP64" if doubles and kind.datatype == "FP32" else kind.datatype, value), shape)
    if isinstance(kind, SequenceType):
        return [typed(kind.element, item, []) for item in value]
    if isinstance(kind, OptionalType):
        return None if value is None else typed(kind.element, value, shape)
    return _map(kind, value)


def _map(kind: MapType, value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise TypeError("no map")
    to_key = str if kind.key == "string" else int
    return {to_key(key): item for key, item in value.items()}


def _tensor(datatype: str, value: Any) -> Any:
    array = value if isinstance(value, np.ndarray) else np.array(value)
    if datatype == "BYTES" and not isinstance(value, np.ndarray):
        array = _with_missing(array, np.array(value, object))
    if datatype == "BYTES":
        return _texts(array)
    wanted = numpy_dtype(datatype)
    if array.dtype.str == _SAVED_BFLOAT16 and datatype == "BF16":
        return array.view(wanted)
    whole = "INT" in datatype
    if array.dtype.kind not in "biufO" or (datatype == "BOOL" and array.dtype.kind == "f"):
        raise TypeError(f"{array.dtype} is no {datatype}")
    if (whole or datatype == "BOOL") and array.dtype.kind == "O" and any(item is None for item in array.ravel()):
        raise TypeError(f"null: no {datatype} says that a value is missing")
    if whole and array.dtype.kind == "f" and not np.array_equal(array, np.floor(array)):
        raise ValueError("fractions where whole numbers are wanted")
    # From the Python numbers themselves, which are exact where an array of mixed ones is not.
    cast = np.array(value, wanted) if not isinstance(value, np.ndarray) else array.astype(wanted)
    if whole and array.dtype.kind in "iu" and not np.array_equal(cast, array):
        raise OverflowError(f"numbers beyond the range of {datatype}")
    return cast


def _with_missing(array: Any, items: Any) -> Any:
    """Texts with an empty one where JSON says null or NaN, as a data frame's missing ones are written."""
    missing = np.array([item is None or item != item for item in items.ravel()], bool).reshape(items.shape)
    if not missing.any():
        return array
    return np.where(missing, "", items).astype(object)


def _texts(array: Any) -> Any:
    if array.dtype.kind not in "UO" or not all(isinstance(item, str) for item in array.ravel()):
        raise TypeError(f"{array.dtype} is no text")
    return array.astype(object)


def _shaped(array: Any, shape: list[Any]) -> Any:
    """Adds the batch dimension to a single example, and to a column that of its one value a row."""
    if isinstance(array, np.ndarray) and is_column(shape) and array.ndim < 2:
        array = array.reshape(-1, 1)
    if (
        isinstance(array, np.ndarray)
        and shape
        and array.ndim == len(shape) - 1
        and shape[0] in {1, None} | {str(shape[0])}
    ):
        array = array[np.newaxis]
    fits = not shape or array.ndim == len(shape)
    if not fits or any(isinstance(want, int) and want != got for want, got in zip(shape, array.shape, strict=False)):
        raise ValueError("another shape")
    return array

"""Arrays that a user gives as a model's inputs: their types, and which of their dimensions are rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from aimass.compression.data.limits import Limits, is_label, wrong
from aimass.domain.datatypes import FLOATS, is_tensor
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec
from aimass.inference.tensors import described, fits, numpy_dtype

Array = np.ndarray[Any, Any]


def fit_rows(
    file: str, specs: Sequence[TensorSpec], arrays: Mapping[str, Array], limits: Limits
) -> tuple[dict[str, Array], bool]:
    """The arrays as inputs, and whether each row is the whole of a call.

    Mostly the first dimension of an input is its rows. Where a model has none (a recurrent state beside a sequence, a
    scalar) each array has one dimension more than its input, a call in each; one without it is the same for all calls.
    Raises InvalidArguments.
    """
    named = _named(file, specs, arrays)
    typed = {spec.name: fitted(file, spec, named[spec.name]) for spec in specs if spec.name in named}
    found = _by_row(specs, typed)
    if found is not None:
        return found, False
    found = _by_call(specs, typed)
    if found is None:
        raise _misshapen(file, specs, typed)
    if sum(array.nbytes for array in found.values()) > limits.encoded:
        raise wrong(file, f"its calls take more than {limits.encoded} bytes; send fewer")
    return found, True


def _named(file: str, specs: Sequence[TensorSpec], arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays that are inputs. An only one is the only input's, whatever its name."""
    names = {spec.name for spec in specs}
    given = {name: array for name, array in arrays.items() if name in names or not is_label(name)}
    if len(specs) == 1 and len(given) == 1:
        given = {specs[0].name: next(iter(given.values()))}
    missing = [spec.name for spec in specs if spec.name not in given and not spec.onnx_type.startswith("optional(")]
    unknown = [name for name in given if name not in names]
    if missing or unknown:
        has, takes = (", ".join(repr(name)[:80] for name in list(some)[:20]) for some in (arrays, names))
        raise wrong(file, f"has the arrays {has}; the model takes {takes}, and labels are called 'labels'")
    if other := [spec for spec in specs if spec.name in given and not is_tensor(spec.onnx_type)]:
        raise wrong(file, f"input {other[0].name!r} is {other[0].onnx_type}, which no array can be")
    return given


def _by_row(specs: Sequence[TensorSpec], arrays: Mapping[str, Array]) -> dict[str, Array] | None:
    found = {}
    for spec in (one for one in specs if one.name in arrays):
        array = arrays[spec.name]
        if array.ndim and array.ndim == len(spec.shape) - 1 and spec.shape[-1] == 1:
            array = array[..., np.newaxis]
        if not array.ndim or not (fits(spec.shape, array.shape) or fits((-1, *spec.shape[1:]), array.shape)):
            return None
        found[spec.name] = array
    return found if len({len(array) for array in found.values()}) == 1 else None


def _by_call(specs: Sequence[TensorSpec], arrays: Mapping[str, Array]) -> dict[str, Array] | None:
    calls = {
        spec.name: len(arrays[spec.name])
        for spec in specs
        if spec.name in arrays and arrays[spec.name].ndim == len(spec.shape) + 1
    }
    if len(set(calls.values())) != 1:
        return None
    count, found = next(iter(calls.values())), {}
    for spec in (one for one in specs if one.name in arrays):
        array = arrays[spec.name]
        if spec.name not in calls:
            array = np.broadcast_to(array, (count, *array.shape))
        if array.ndim != len(spec.shape) + 1 or not fits(spec.shape, array.shape[1:]):
            return None
        found[spec.name] = array
    return found


def _misshapen(file: str, specs: Sequence[TensorSpec], arrays: Mapping[str, Array]) -> InvalidArguments:
    has = ", ".join(f"{name!r} {list(array.shape)}" for name, array in list(arrays.items())[:8])
    wants = ", ".join(f"{spec.name!r} {described(spec)}" for spec in specs[:8])
    told = f"has {has}, and the model takes {wants}: the first dimension is the row, and all have as many"
    return wrong(file, f"{told}; where the model's is none, add one: each of its elements is then a call")


def fitted(file: str, spec: TensorSpec, array: Array) -> Array:
    """The array in the input's datatype; floats are rounded, everything else keeps its values.

    Raises InvalidArguments naming both types.
    """
    if spec.datatype == "BYTES":
        return _texts(file, spec, array)
    wanted = numpy_dtype(spec.datatype)
    if spec.datatype == "BF16" and array.dtype == np.dtype("V2"):
        return np.ascontiguousarray(array).view(wanted).reshape(array.shape)  # numpy's files have no name for it
    if array.dtype.kind not in ("b" if wanted.kind == "b" else "iuf"):
        raise _misfit(file, spec, array, "")
    with np.errstate(over="ignore", invalid="ignore"):
        result = array.astype(wanted)
        back = result.astype(array.dtype)
    if array.dtype.kind == "f" and spec.datatype in FLOATS:
        kept = np.isfinite(back) | ~np.isfinite(array)
    else:
        kept = (back == array) & ((result < 0) == (array < 0))
    if not kept.all():
        raise _misfit(file, spec, array, f", of which it cannot hold {array[~kept].flat[0]}")
    return result


def _texts(file: str, spec: TensorSpec, array: Array) -> Array:
    if array.dtype.kind not in "US":
        raise _misfit(file, spec, array, "")
    try:
        texts = [one.decode() if isinstance(one, bytes) else one for one in array.reshape(-1).tolist()]
        "".join(texts).encode()
    except ValueError as error:
        raise wrong(file, f"input {spec.name!r} holds what is no text in UTF-8: {str(error)[:120]}") from None
    out = np.empty(len(texts), object)
    out[:] = texts
    return out.reshape(array.shape)


def _misfit(file: str, spec: TensorSpec, array: Array, what: str) -> InvalidArguments:
    told = f"input {spec.name!r} wants {described(spec)}, got {array.dtype.name} of shape {list(array.shape)}{what}"
    return wrong(file, told)

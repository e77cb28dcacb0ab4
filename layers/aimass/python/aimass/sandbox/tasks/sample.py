"""The sample input that came with a model: npz or npy without pickles, or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from aimass.domain.datatypes import (
    MapType,
    OnnxType,
    OptionalType,
    SequenceType,
    TensorType,
    datatype_of,
    parse_type,
)
from aimass.domain.errors import InvalidSample
from aimass.formats.member import shown
from aimass.inference.tensors import numpy_dtype
from aimass.sandbox.tasks.session import Feed

_FORMS = 'a sample is .npz, .npy (one input) or JSON: {"inputs": {name: values}}, {name: values}, or values (one input)'
_SAVED_BFLOAT16 = "|V2"  # numpy's files have no name for it
_NAMED = 8
_WRAPPERS = ("inputs", "instances", "data", "outputs", "predictions")


def read_sample(path: Path, inputs: Sequence[Any]) -> Feed:
    """The sample as the model's inputs; what it holds besides them is ignored. Raises InvalidSample."""
    values = _named(_read(path), inputs)
    missing = [value.name for value in inputs if value.name not in values]
    if missing:
        lacks, has = ([shown(str(name)) for name in names[:_NAMED]] for names in (missing, [*values]))
        raise InvalidSample(f"the sample lacks the inputs {lacks}; it has {has}", missing=lacks, found=has)
    return {value.name: _fitted(value, values[value.name]) for value in inputs}


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The sample of inputs that nothing is known of but their names: arrays of whatever types it has.

    Raises InvalidSample.
    """
    values = _named(_read(path), [SimpleNamespace(name=name, type="") for name in names])
    try:
        return {name: np.asarray(values[name]) for name in names if name in values}
    except ValueError as error:
        raise InvalidSample(f"the sample's rows differ in shape ({error})") from None


def read_outputs(path: Path, outputs: Sequence[Any]) -> Feed:
    """The outputs that are expected of a sample, those that the file names. Raises InvalidSample."""
    values = _named(_read(path), outputs)
    found = {output.name: output for output in outputs if output.name in values}
    if not found:
        names = [shown(output.name) for output in outputs[:_NAMED]]
        raise InvalidSample(f"the expected outputs name none of the model's: {names}", wanted=names)
    return {name: _expected(output, values[name]) for name, output in found.items()}


def _expected(output: Any, value: Any) -> Any:
    try:
        return _typed(parse_type(output.type), value, [])
    except (TypeError, ValueError, OverflowError, KeyError) as error:
        name = shown(output.name)
        text = f"the expected values of output '{name}' are no {datatype_of(output.type)} ({str(error)[:200]})"
        raise InvalidSample(text, output=name) from None


def _read(path: Path) -> Any:
    with path.open("rb") as file:
        magic = file.read(6)
    try:
        if magic == b"\x93NUMPY" or magic[:4] == b"PK\x03\x04":
            loaded = np.load(path, allow_pickle=False)
            return loaded if isinstance(loaded, np.ndarray) else dict(loaded)
        return json.loads(path.read_bytes())
    except MemoryError:
        raise InvalidSample("the sample cannot be read: it needs more memory than there is beside the model") from None
    except Exception as error:
        raise InvalidSample(f"the sample cannot be read ({error}); {_FORMS}") from None


def _named(document: Any, inputs: Sequence[Any]) -> dict[str, Any]:
    """Values by input name, whatever the form."""
    names = [value.name for value in inputs]
    if isinstance(document, dict) and not set(names) <= document.keys():
        document = next((document[key] for key in _WRAPPERS if key in document), document)
    if _is_tensors(document):
        return {str(tensor["name"]): _reshaped(tensor) for tensor in document}
    if _is_rows(document):
        return {name: [row[name] for row in document] for name in document[0]}
    if isinstance(document, dict) and (set(names) & document.keys() or not _may_be_a_value(document, inputs)):
        return document
    values = list(document.values()) if _is_positional(document) else [document]
    return dict(zip(names, values, strict=False))


def _reshaped(tensor: dict[str, Any]) -> Any:
    try:
        return np.reshape(np.array(tensor["data"], object), tensor["shape"])
    except (TypeError, ValueError, OverflowError) as error:
        name = shown(str(tensor["name"]))
        raise InvalidSample(f"the sample's data for '{name}' do not have its shape ({error})", input=name) from None


def _is_tensors(document: Any) -> bool:
    """The Open Inference Protocol's list of tensors."""
    return _is_list_of(document, {"name", "shape", "data"})


def _is_rows(document: Any) -> bool:
    return _is_list_of(document, set()) and all(row.keys() == document[0].keys() for row in document)


def _is_list_of(document: Any, keys: set[str]) -> bool:
    return (
        isinstance(document, list)
        and bool(document)
        and all(isinstance(item, dict) and keys <= item.keys() for item in document)
    )


def _is_positional(document: Any) -> bool:
    """`numpy.savez(file, a, b)` names its arrays arr_0, arr_1."""
    return isinstance(document, dict) and all(isinstance(value, np.ndarray) for value in document.values())


def _may_be_a_value(document: Any, inputs: Sequence[Any]) -> bool:
    """Arrays in the inputs' order, or the one input's map; anything else is values by name."""
    takes_map = len(inputs) == 1 and "map(" in inputs[0].type
    return takes_map or (_is_positional(document) and len(document) == len(inputs))


def _fitted(wanted: Any, value: Any) -> Any:
    try:
        return _typed(parse_type(wanted.type), value, list(wanted.shape or ()))
    except (TypeError, ValueError, OverflowError, KeyError) as error:
        raise _misfit(wanted, value, str(error)) from None


def _typed(kind: OnnxType, value: Any, shape: list[Any]) -> Any:
    if isinstance(kind, TensorType):
        return _shaped(_tensor(kind.datatype, value), shape)
    if isinstance(kind, SequenceType):
        return [_typed(kind.element, item, []) for item in value]
    if isinstance(kind, OptionalType):
        return None if value is None else _typed(kind.element, value, shape)
    return _map(kind, value)


def _map(kind: MapType, value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise TypeError("no map")
    to_key = str if kind.key == "string" else int
    return {to_key(key): item for key, item in value.items()}


def _tensor(datatype: str, value: Any) -> Any:
    array = value if isinstance(value, np.ndarray) else np.array(value)
    if datatype == "BYTES":
        return _texts(array)
    wanted = numpy_dtype(datatype)
    if array.dtype.str == _SAVED_BFLOAT16 and datatype == "BF16":
        return array.view(wanted)
    whole = "INT" in datatype
    if array.dtype.kind not in "biufO" or (datatype == "BOOL" and array.dtype.kind == "f"):
        raise TypeError(f"{array.dtype} is no {datatype}")
    if whole and array.dtype.kind == "f" and not np.array_equal(array, np.floor(array)):
        raise ValueError("fractions where whole numbers are wanted")
    # From the Python numbers themselves, which are exact where an array of mixed ones is not.
    cast = np.array(value, wanted) if not isinstance(value, np.ndarray) else array.astype(wanted)
    if whole and array.dtype.kind in "iu" and not np.array_equal(cast, array):
        raise OverflowError(f"numbers beyond the range of {datatype}")
    return cast


def _texts(array: Any) -> Any:
    if array.dtype.kind not in "UO" or not all(isinstance(item, str) for item in array.ravel()):
        raise TypeError(f"{array.dtype} is no text")
    return array.astype(object)


def _shaped(array: Any, shape: list[Any]) -> Any:
    """Adds the batch dimension to a single example."""
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


def _misfit(wanted: Any, value: Any, reason: str) -> InvalidSample:
    shape = [size if isinstance(size, int) else -1 for size in wanted.shape or ()]
    want = f"{datatype_of(wanted.type)} {shape}"
    got = f"{value.dtype} {list(value.shape)}" if isinstance(value, np.ndarray) else _described(value)
    name = shown(wanted.name)
    return InvalidSample(
        f"the sample does not fit input '{name}': it wants {want}, the sample has {got} ({reason[:200]})",
        input=name,
        wanted=want,
        got=got,
    )


def _described(value: Any) -> str:
    """The shape of nested lists, by their first items."""
    sizes = []
    while isinstance(value, list):
        sizes.append(len(value))
        value = value[0] if value else None
    return f"{type(value).__name__} {sizes}"

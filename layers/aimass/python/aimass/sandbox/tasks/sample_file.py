"""What a sample's file holds, by the names of the model's inputs or outputs: npz or npy without pickles, or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aimass.domain.errors import InvalidSample
from aimass.formats.member import shown

_FORMS = 'a sample is .npz, .npy (one input) or JSON: {"inputs": {name: values}}, {name: values}, or values (one input)'
_MOST_NAMED = 8
_WRAPPERS = ("inputs", "instances", "data", "outputs", "predictions")


def read_named(path: Path, wanted: Sequence[Any]) -> dict[str, Any]:
    """Values by name, whatever the form; other names may be among them. Raises InvalidSample."""
    return _named(_read(path), wanted)


def is_unnamed(path: Path, wanted: Sequence[Any]) -> bool:
    """Whether the file has one value, without a name, where several are wanted. Raises InvalidSample."""
    if len(wanted) < 2:
        return False
    document = _unwrapped(_read(path), [value.name for value in wanted])
    return not isinstance(document, dict) and not _is_tensors(document) and not _is_rows(document)


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


def _named(document: Any, wanted: Sequence[Any]) -> dict[str, Any]:
    names = [value.name for value in wanted]
    document = _unwrapped(document, names)
    if _is_tensors(document):
        return {str(tensor["name"]): _reshaped(tensor) for tensor in document}
    if _is_rows(document) and not (_takes_map(wanted) and any(names[0] not in row for row in document)):
        _check_rows(document, names)
        keys = dict.fromkeys(key for row in document for key in row)
        return {key: [row.get(key) for row in document] for key in keys}
    if isinstance(document, dict) and (set(names) & document.keys() or not _may_be_a_value(document, wanted)):
        return document
    if _is_table(document, wanted):
        return {name: [row[index] for row in document] for index, name in enumerate(names)}
    values = list(document.values()) if _is_positional(document) else [document]
    return dict(zip(names, values, strict=False))


def _check_rows(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> None:
    """Raises InvalidSample for a row that lacks what another has."""
    known = [name for name in names if any(name in row for row in rows)]
    for index, row in enumerate(rows):
        if lacks := [shown(name) for name in known if name not in row][:_MOST_NAMED]:
            unknown = [shown(str(name)) for name in row if name not in names][:_MOST_NAMED]
            text = f"row {index} of the sample, counted from 0, lacks {_quoted(lacks)}"
            text += f", and has {_quoted(unknown)}, which the model does not have" if unknown else ""
            raise InvalidSample(f"{text}; null says that a value is missing", row=index, missing=lacks, unknown=unknown)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _unwrapped(document: Any, names: Sequence[str]) -> Any:
    if isinstance(document, dict) and not set(names) <= document.keys():
        return next((document[key] for key in _WRAPPERS if key in document), document)
    return document


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
    return _is_list_of(document, set())


def _is_list_of(document: Any, keys: set[str]) -> bool:
    return (
        isinstance(document, list)
        and bool(document)
        and all(isinstance(item, dict) and keys <= item.keys() for item in document)
    )


def _is_table(document: Any, wanted: Sequence[Any]) -> bool:
    """Rows of a table whose columns are an input each, in their order."""
    if len(wanted) < 2 or not all(is_column(getattr(value, "shape", None)) for value in wanted):
        return False
    if isinstance(document, np.ndarray):
        return document.ndim == 2 and document.shape[1] == len(wanted)
    rows = document if isinstance(document, list) else []
    if not rows or not all(isinstance(row, list) for row in rows):
        return False
    for index, row in enumerate(rows):
        if len(row) != len(wanted):
            text = f"row {index} of the sample, counted from 0, has {len(row)} values"
            raise InvalidSample(f"{text}; the model has {len(wanted)} columns", row=index, columns=len(wanted))
    return True


def is_column(shape: Sequence[Any] | None) -> bool:
    """Whether an input of this shape is one column of any number of rows."""
    return shape is not None and len(shape) == 2 and not isinstance(shape[0], int) and shape[1] == 1


def _is_positional(document: Any) -> bool:
    """`numpy.savez(file, a, b)` names its arrays arr_0, arr_1."""
    return isinstance(document, dict) and all(isinstance(value, np.ndarray) for value in document.values())


def _may_be_a_value(document: Any, wanted: Sequence[Any]) -> bool:
    """Arrays in the inputs' order, or the one input's map; anything else is values by name."""
    return _takes_map(wanted) or (_is_positional(document) and len(document) == len(wanted))


def _takes_map(wanted: Sequence[Any]) -> bool:
    return len(wanted) == 1 and "map(" in wanted[0].type

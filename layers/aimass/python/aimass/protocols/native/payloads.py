"""Readers of what was sent: tensors as JSON, pictures, texts, table rows."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pybase64

from aimass.domain.datatypes import is_tensor
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec, Version
from aimass.inference.dataplane import Pictures, Rows, Texts
from aimass.inference.tensors import brief
from aimass.inference.values import decode_columns, decode_rows, decode_value
from aimass.protocols.native.given import Given, Payload, Prepare
from aimass.protocols.native.signatures import PICTURES, foreign_format
from aimass.protocols.table_rows import are_cells, decoded


def payload_of_json(input_format: str, data: Any) -> Payload:
    """The reader of JSON `data` in a known format. Raises InvalidArguments for what no version could read."""
    return _OF_JSON[input_format](data)


def wrong_data(what: str) -> InvalidArguments:
    """The error that says what is wrong with `data`."""
    return InvalidArguments.of_fields({"data": what})


def pictures(files: Sequence[bytes], alone: bool) -> Payload:
    """Picture files, one a row."""

    def read(version: Version, prepare: Prepare) -> Given:
        if version.description and version.description.image:
            _check_formats(files)
        return Given(prepare(version, Pictures(tuple(files))), described=True, alone=alone)

    return read


def _check_formats(files: Sequence[bytes]) -> None:
    """Raises InvalidArguments naming the format of a file that people take for a picture."""
    for at, file in enumerate(files):
        if foreign := foreign_format(file):
            raise wrong_data(f"picture {at} is {foreign}, which is not taken; pictures are {PICTURES}")


def texts(strings: Sequence[str], alone: bool) -> Payload:
    """Texts, one a row. A model of one string input that has no description takes them as they are."""

    def read(version: Version, prepare: Prepare) -> Given:
        if takes_strings(version) and not (version.description and version.description.text):
            (spec,) = version.inputs
            inputs = {spec.name: decode_value(spec, strings[0] if alone and not spec.shape else list(strings))}
        else:
            inputs = prepare(version, Texts(tuple(strings)))
        return Given(inputs, described=True, alone=alone)

    for at, text in enumerate(strings):
        _check_unicode(at, text)
    return read


def takes_strings(version: Version) -> bool:
    """Whether its only input is a tensor of strings."""
    specs = version.inputs
    return len(specs) == 1 and specs[0].datatype == "BYTES" and is_tensor(specs[0].onnx_type)


def takes_texts(version: Version) -> bool:
    """Whether texts can be its input: as strings, or as its description says."""
    return takes_strings(version) or bool(version.description and version.description.text)


def are_texts(data: Any) -> bool:
    """Whether this is a list of strings, not an empty one."""
    return isinstance(data, list) and bool(data) and set(map(type, data)) == {str}


def arrays(data: Any) -> Payload:
    """Nested lists, or an object of them by the inputs' names."""

    def read(version: Version, prepare: Prepare) -> Given:
        specs = version.inputs
        if isinstance(data, dict):
            return Given(decoded(version, data, lambda columns: decode_columns(specs, columns)))
        return Given({only_input(specs).name: decoded(version, data, lambda one: decode_value(specs[0], one))})

    return read


def only_input(specs: Sequence[TensorSpec]) -> TensorSpec:
    """Raises InvalidArguments where there are several, naming them."""
    if len(specs) != 1:
        wanted = f"must be an object with the inputs {', '.join(repr(spec.name) for spec in specs)}"
        raise InvalidArguments(f"data {wanted}", fields={"data": wanted})
    return specs[0]


def rows_or_columns(data: Any) -> Payload:
    """Rows or columns of a table by the description's columns; else of tensors by the inputs' names.

    To a version that takes texts, a string or a list of strings is texts.
    """

    def read(version: Version, prepare: Prepare) -> Given:
        if takes_texts(version) and (isinstance(data, str) or are_texts(data)):
            return _texts_of_json(data)(version, prepare)
        if isinstance(data, str):
            raise wrong_data(_ROWS_OR_COLUMNS)
        rows = [data] if isinstance(data, dict) else data
        if are_cells(version, rows):
            return Given(prepare(version, Rows(tuple(rows))), described=True, alone=isinstance(data, dict))
        if isinstance(data, list):
            return Given(decoded(version, data, lambda rows: decode_rows(version.inputs, rows)))
        _check_other_wires(version, data)
        if _is_row(version, data):
            return Given(decoded(version, [data], lambda rows: decode_rows(version.inputs, rows)))
        return Given(decoded(version, data, lambda columns: decode_columns(version.inputs, columns)))

    if not isinstance(data, dict | list | str):
        raise wrong_data(_ROWS_OR_COLUMNS)
    return read


_ROWS_OR_COLUMNS = "must be a list of rows or an object of columns"


def _is_row(version: Version, data: Mapping[str, Any]) -> bool:
    """Whether an object is one row: single values alone, for inputs that all have rows."""
    rows = all(spec.shape and is_tensor(spec.onnx_type) for spec in version.inputs)
    return rows and bool(data) and not any(isinstance(value, list | dict) for value in data.values())


def _check_other_wires(version: Version, data: Mapping[str, Any]) -> None:
    """Raises InvalidArguments for the calls of other protocols, naming where those go."""
    for name in OTHER_WIRES.keys() & data.keys() - {spec.name for spec in version.inputs}:
        raise wrong_data(f"has {name!r}, as calls have that go to {OTHER_WIRES[name].format(model=version.model)}")


#: What the calls of other protocols begin with, and where they go.
OTHER_WIRES = {
    "instances": "POST /v1/models/{model}:predict (TensorFlow Serving)",
    "inputs": "POST /v2/models/{model}/infer (Open Inference Protocol), or to POST /v1/models/{model}:predict",
}


def _pictures_of_json(data: Any) -> Payload:
    sent = data if isinstance(data, list) else [data]
    return pictures([_picture(at, one) for at, one in enumerate(sent)], alone=not isinstance(data, list))


def _picture(at: int, sent: Any) -> bytes:
    """The bytes of base64 text, of a data URL, or of `{"b64": text}`."""
    text = sent["b64"] if isinstance(sent, dict) and sent.keys() == {"b64"} else sent
    if not isinstance(text, str):
        told = 'base64 text, a data URL, {"b64": base64}, or a list of those'
        raise wrong_data(f"picture {at} must be {told}, got {brief(sent)}")
    if text[:5].lower() == "data:":
        head, _, text = text.partition(",")
        if not head.lower().endswith(";base64"):
            raise wrong_data(f"picture {at} is a data URL that is not in base64: {head[:60]!r}")
    try:
        return pybase64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise wrong_data(f"picture {at} is not base64: {error}") from error


def _texts_of_json(data: Any) -> Payload:
    strings = [data] if isinstance(data, str) else data
    if not isinstance(strings, list) or not all(isinstance(one, str) for one in strings):
        raise wrong_data(f"must be a string or a list of strings, got {brief(data)}")
    return texts(strings, alone=isinstance(data, str))


def _table_of_json(data: Any) -> Payload:
    if not isinstance(data, str):
        raise wrong_data(f"must be CSV text, its first line the columns' names, got {brief(data)}")
    from aimass.protocols.native.table import table_of

    return table_of(data)


def _check_unicode(at: int, text: str) -> None:
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise wrong_data(f"text {at} holds half of a surrogate pair, which is not Unicode text")


_OF_JSON: Mapping[str, Callable[[Any], Payload]] = {
    "numpy array": arrays,
    "json": rows_or_columns,
    "image": _pictures_of_json,
    "text": _texts_of_json,
    "csv": _table_of_json,
}

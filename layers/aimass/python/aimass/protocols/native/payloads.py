"""Readers of what was sent: tensors as JSON, pictures, texts, table rows."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pybase64

from aimass.domain.datatypes import is_tensor
from aimass.domain.description import TableInput
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec, Version
from aimass.inference.dataplane import Pictures, Rows, Texts
from aimass.inference.tensors import brief
from aimass.inference.values import decode_columns, decode_rows, decode_value
from aimass.protocols.native.given import Given, Payload, Prepare


def payload_of_json(input_format: str, data: Any) -> Payload:
    """The reader of JSON `data` in a known format. Raises InvalidArguments for what no version could read."""
    return _OF_JSON[input_format](data)


def wrong_data(what: str) -> InvalidArguments:
    """The error that says what is wrong with `data`."""
    return InvalidArguments.of_fields({"data": what})


def pictures(files: Sequence[bytes], alone: bool) -> Payload:
    """Picture files, one a row."""

    def read(version: Version, prepare: Prepare) -> Given:
        return Given(prepare(version, Pictures(tuple(files))), described=True, alone=alone)

    return read


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


def arrays(data: Any) -> Payload:
    """Nested lists, or an object of them by the inputs' names."""

    def read(version: Version, prepare: Prepare) -> Given:
        specs = version.inputs
        if isinstance(data, dict):
            return Given(decode_columns(specs, data))
        return Given({only_input(specs).name: decode_value(specs[0], data)})

    return read


def only_input(specs: Sequence[TensorSpec]) -> TensorSpec:
    """Raises InvalidArguments where there are several, naming them."""
    if len(specs) != 1:
        wanted = f"must be an object with the inputs {', '.join(repr(spec.name) for spec in specs)}"
        raise InvalidArguments(f"data {wanted}", fields={"data": wanted})
    return specs[0]


def rows_or_columns(data: Any) -> Payload:
    """Rows or columns of a table by the description's columns; else of tensors by the inputs' names."""

    def read(version: Version, prepare: Prepare) -> Given:
        table = version.description.table if version.description else None
        if table and _names_columns(version, table, data):
            rows = [data] if isinstance(data, dict) else data
            return Given(prepare(version, Rows(tuple(rows))), described=True, alone=isinstance(data, dict))
        if isinstance(data, dict):
            return Given(decode_columns(version.inputs, data))
        return Given(decode_rows(version.inputs, data))

    if not isinstance(data, dict | list):
        what = "must be a list of rows or an object of columns"
        raise InvalidArguments("invalid arguments", fields={"data": what})
    return read


def _names_columns(version: Version, table: TableInput, data: Any) -> bool:
    """Whether rows are cells by their columns' names, not tensors by their inputs'; where those are the same, cells."""
    rows = data if isinstance(data, list) else [data]
    if not rows or not all(isinstance(row, dict) for row in rows):
        return False
    if any(isinstance(cell, list | dict) for cell in rows[0].values()):
        return False
    columns = {column.name for column in table.columns}
    return rows[0].keys() <= columns or not rows[0].keys() & {spec.name for spec in version.inputs}


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

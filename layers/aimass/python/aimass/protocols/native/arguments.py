"""The arguments of a call: in a JSON object, in a form's fields, or in a path and its query."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from aimass.domain.errors import InvalidArguments
from aimass.inference.jsontext import loads
from aimass.inference.tensors import brief
from aimass.protocols.native.given import Call
from aimass.protocols.native.openapi import INPUT_FORMATS
from aimass.protocols.native.payloads import OTHER_WIRES, payload_of_json

ARGUMENTS = ("model_name", "version", "input_format", "compress", "data")
PARAMETERS = ("version", "input_format", "compress")
_REQUIRED = ("model_name", "input_format", "data")
_ALONE = "; a file goes into a form, or alone to POST /predict/{model} under its own content type"


def parse_json(body: bytes, outside: Mapping[str, str]) -> Call:
    """The call in a JSON object; `outside` are arguments that the path and its query gave.

    Where they name the model, anything is `data` alone, but an object that has `data` or another required argument.
    Raises InvalidArguments naming every argument that is missing, unknown or malformed.
    """
    try:
        found = loads(body)
    except InvalidArguments as error:
        raise InvalidArguments(error.message + _ALONE, **error.details) from error
    if "model_name" in outside and not (isinstance(found, dict) and found.keys() & set(_REQUIRED)):
        found = {"input_format": outside.get("input_format", "json"), "data": found}
    if not isinstance(found, dict):
        raise InvalidArguments.of_fields({"body": "must be a JSON object"})
    given = check_arguments(found, outside, _REQUIRED)
    payload = payload_of_json(given["input_format"], given["data"])
    return Call(given["model_name"], given.get("version"), given.get("compress"), payload)


def check_arguments(
    found: Mapping[str, Any], outside: Mapping[str, str], required: Collection[str] = ()
) -> dict[str, Any]:
    """All that was found and given outside, which must agree. Raises InvalidArguments naming each that is wrong."""
    given = {**outside, **{name: value for name, value in found.items() if value is not None or name not in outside}}
    fields = {name: "missing" for name in required if name not in given}
    fields |= {name[:80]: _unknown(name) for name in found if name not in ARGUMENTS}
    fields |= {name: what for name, what in _malformed(given).items() if name in given}
    fields |= {
        name: f"is {value[:80]!r} in the URL and {brief(given[name])} in the body"
        for name, value in outside.items()
        if name not in fields and str(given[name]) != value
    }
    if fields:
        raise InvalidArguments.of_fields(fields)
    return given


def check_query(query: Mapping[str, str], known: Collection[str]) -> dict[str, str]:
    """The query's arguments. Raises InvalidArguments naming each unknown parameter and those there are."""
    there_are = f"unknown parameter; there are: {', '.join(known)}" if known else "this call takes no parameters"
    wrong = {name[:80]: there_are for name in query if name not in known}
    if wrong:
        raise InvalidArguments.of_fields(dict(list(wrong.items())[:10]))
    return without_nulls(query)


def without_nulls(texts: Mapping[str, str]) -> dict[str, str]:
    """The arguments without those that are null, as JSON has it."""
    return {name: value for name, value in texts.items() if not (name in {"version", "compress"} and value == "null")}


def _unknown(name: str) -> str:
    wire = OTHER_WIRES.get(name)
    return f"unknown argument; calls that have it go to {wire}" if wire else "unknown argument"


def _malformed(given: Mapping[str, Any]) -> dict[str, str]:
    version, compress, input_format = given.get("version"), given.get("compress"), given.get("input_format")
    fields = {}
    if not isinstance(given.get("model_name"), str):
        fields["model_name"] = "must be a string"
    if input_format not in INPUT_FORMATS:
        fields["input_format"] = f"must be one of {', '.join(map(repr, INPUT_FORMATS))}, got {brief(input_format)}"
    if isinstance(version, bool) or not isinstance(version, int | str | None) or version == "":
        fields["version"] = "must be a number, an alias's name or null"
    if not isinstance(compress, str | None) or compress == "":
        fields["compress"] = f"must be a variant's name or null, got {brief(compress)}"
    return fields

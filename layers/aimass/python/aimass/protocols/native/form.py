"""A call as a multipart form: its arguments in fields, `data` in one file or several, or as text."""

from __future__ import annotations

from collections.abc import Mapping

from aimass.domain.errors import InvalidArguments
from aimass.protocols.multipart import Part, parse_parts
from aimass.protocols.native.arguments import ARGUMENTS, check_arguments, without_nulls
from aimass.protocols.native.contents import Content, payload_of
from aimass.protocols.native.given import Call


def parse_form(content_type: str, body: bytes, outside: Mapping[str, str]) -> Call:
    """The call in a form; `outside` are arguments that the path and its query gave.

    Raises InvalidArguments naming every field that is missing, unknown or malformed.
    """
    parts = parse_parts(content_type, body)
    data = [part for part in parts if part.name == "data"]
    fields = [part for part in parts if part.name != "data"]
    _check_fields(fields, data)
    found = without_nulls({part.name: part.body.decode(errors="replace") for part in fields})
    given = check_arguments(found, outside, ("model_name",))
    contents = [Content(part.body, part.media_type, part.filename or "", part.filename is None) for part in data]
    payload = payload_of(contents, given.get("input_format"))
    return Call(given["model_name"], given.get("version"), given.get("compress"), payload)


def _check_fields(fields: list[Part], data: list[Part]) -> None:
    names = [part.name for part in fields]
    problems = {
        part.name[:80]: "unknown field" if part.filename is None else "unknown field; send the file as `data`"
        for part in fields
        if part.name not in ARGUMENTS
    }
    files = [part.name for part in fields if part.filename is not None and part.name in ARGUMENTS]
    problems |= dict.fromkeys(files, "must be text, not a file")
    problems |= {name[:80]: "sent more than once" for name in names if names.count(name) > 1}
    if not data:
        problems["data"] = "missing: send a file, several, or text in the field 'data'"
    if problems:
        raise InvalidArguments.of_fields(problems)

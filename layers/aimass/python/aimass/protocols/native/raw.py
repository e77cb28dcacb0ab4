"""A call whose body is the input alone, and its media type what kind of input."""

from __future__ import annotations

from collections.abc import Mapping

from aimass.domain.errors import InvalidArguments
from aimass.protocols.native.arguments import check_arguments, parse_json
from aimass.protocols.native.contents import Content, media_type_of, payload_of, unsaid
from aimass.protocols.native.given import Call

_NOT_JSON = {"image", "text", "csv"}


def parse_raw(content_type: str, body: bytes, outside: Mapping[str, str]) -> Call:
    """The call; `outside` are the arguments that the path and its query gave.

    A JSON object is that of `POST /predict`, also where nothing is said of the body's type. Raises InvalidArguments.
    """
    said = media_type_of(content_type)
    input_format = outside.get("input_format")
    opens_object = unsaid(said) and body.lstrip()[:1] == b"{" and input_format not in _NOT_JSON
    if said == "application/json" or opens_object:
        return parse_json(body, outside)
    if unsaid(said) and not body:
        raise InvalidArguments.of_fields({"body": "is empty; send an input, such as a picture, a text or JSON"})
    given = check_arguments({}, outside)
    payload = payload_of([Content(body, content_type)], input_format)
    return Call(given["model_name"], given.get("version"), given.get("compress"), payload)

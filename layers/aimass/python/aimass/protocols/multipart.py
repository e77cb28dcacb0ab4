"""Multipart forms (RFC 7578) as their parts, in memory and in order."""

from __future__ import annotations

from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, create_form_parser

from aimass.domain.errors import InvalidArguments

MAX_PARTS = 1000


@dataclass(frozen=True)
class Part:
    """A field or a file: `filename` is None for a field, `media_type` "" where none was sent."""

    name: str
    body: bytes
    filename: str | None
    media_type: str


def parse_parts(content_type: str, body: bytes) -> list[Part]:
    """Raises InvalidArguments for another content type, a malformed body or more than MAX_PARTS parts."""
    parts: list[Part] = []

    def add(part: Part) -> None:
        if len(parts) == MAX_PARTS:
            raise InvalidArguments.of_fields({"body": f"more than {MAX_PARTS} parts"})
        parts.append(part)

    def on_field(field: Field) -> None:
        add(Part(_text(field.field_name), field.value or b"", None, field.content_type or ""))

    def on_file(file: File) -> None:
        file.file_object.seek(0)
        name = _text(file.file_name).replace("\\", "/").rsplit("/", 1)[-1]
        add(Part(_text(file.field_name), file.file_object.read(), name, file.content_type or ""))

    if not content_type.lower().startswith("multipart/form-data"):
        raise InvalidArguments("send multipart/form-data", fields={"content-type": content_type[:80] or "missing"})
    in_memory = {"MAX_MEMORY_FILE_SIZE": float("inf")}  # where the whole body is already
    try:
        parser = create_form_parser({"Content-Type": content_type.encode()}, on_field, on_file, config=in_memory)
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise InvalidArguments(f"the multipart body cannot be read: {error}", fields={"body": "malformed"}) from error
    return parts


def _text(sent: bytes | None) -> str:
    return (sent or b"").decode(errors="replace")

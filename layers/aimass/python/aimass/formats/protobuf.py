"""A walk over the fields of a serialized protobuf message, without its schema (protobuf.dev, 'Encoding')."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from aimass.formats.content import Content

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED_SIZE = {FIXED64: 8, FIXED32: 4}


class Field(NamedTuple):
    """One field: its number, wire type, and where its payload lies; `value` is a varint's."""

    number: int
    wire: int
    start: int
    end: int
    value: int = 0


class Malformed(ValueError):
    """These bytes are no protobuf message."""


class CutShort(Malformed):
    """The message ends within a field; `field` is that one, as it was announced."""

    def __init__(self, field: Field | None) -> None:
        super().__init__("the message ends within a field")
        self.field = field


def fields(content: Content, start: int = 0, end: int | None = None) -> Iterator[Field]:
    """Yields the fields of the message in `content[start:end]`. Raises Malformed, or CutShort at its end."""
    end = len(content) if end is None else end
    while start < end:
        key, payload = _varint(content, start, end)
        field = _field(content, key, payload, end)
        if field.end > end:
            raise CutShort(field)
        yield field
        start = field.end


def _field(content: Content, key: int, start: int, end: int) -> Field:
    number, wire = key >> 3, key & 7
    if not 0 < number < 1 << 29:
        raise Malformed("a field's number is out of range")
    if wire == VARINT:
        value, after = _varint(content, start, end)
        return Field(number, wire, start, after, value)
    if wire == BYTES:
        length, start = _varint(content, start, end)
        return Field(number, wire, start, start + length)
    if wire in _FIXED_SIZE:
        return Field(number, wire, start, start + _FIXED_SIZE[wire])
    raise Malformed(f"wire type {wire} is not in use")


def _varint(content: Content, start: int, end: int) -> tuple[int, int]:
    value = 0
    for index in range(start, min(end, start + 10)):
        byte = content[index]
        value |= (byte & 0x7F) << (7 * (index - start))
        if byte < 0x80:
            return value, index + 1
    if start + 10 > end:
        raise CutShort(None)
    raise Malformed("a varint is longer than 10 bytes")

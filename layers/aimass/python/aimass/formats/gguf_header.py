"""What a GGUF file says of itself, every count and length checked (ggml-org/ggml, docs/gguf.md)."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

from aimass.domain.errors import ImportRefused, InvalidModel, TruncatedModel
from aimass.formats.content import Content
from aimass.formats.member import shown

MAGIC = b"GGUF"
VERSIONS = (2, 3)
#: Keys, values in arrays and tensors: the largest vocabularies and their merges make about a million.
MAX_ITEMS = 4_000_000
MAX_KEY_BYTES = 65_535
MAX_STRING_BYTES = 4 << 20
_MOST_DIMENSIONS, _DEEPEST, _DEFAULT_ALIGNMENT = 4, 4, 32
_LARGEST_ALIGNMENT = 1 << 20
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
# ggml's element types: how many elements a block has, and how many bytes.
_BLOCKS = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84)}
_BLOCKS |= {11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 24: (1, 1), 25: (1, 2), 26: (1, 4)}
_BLOCKS |= {27: (1, 8), 28: (1, 8), 30: (1, 2)}


@dataclass(frozen=True)
class Header:
    """`metadata` has numbers, texts and booleans by key; an array is there as its length alone."""

    version: int
    metadata: dict[str, Any]
    tensors: int
    parameters: int


def read_header(content: Content, name: str = "the GGUF file") -> Header:
    """Reads the metadata and the list of tensors, not the tensors. `name` is what messages call the file.

    Raises TruncatedModel for a file that is shorter than it says, InvalidModel for one that contradicts itself.
    """
    try:
        return _Reader(content, name).header()
    except struct.error:
        raise TruncatedModel(f"{name} is cut short within its metadata") from None


class _Reader:
    def __init__(self, content: Content, name: str) -> None:
        self._content = content
        self._name = name
        self._at = len(MAGIC)
        self._order = "<"
        self._items = 0

    def header(self) -> Header:
        version = self._version()
        tensors, keys = self._count(), self._count()
        metadata: dict[str, Any] = {}
        for _ in range(keys):
            key = self._string(MAX_KEY_BYTES)
            if key in metadata:
                raise self._wrong(f"gives '{shown(key)}' twice")
            metadata[key] = self._value(self._number("I"), 0)
        return Header(version, metadata, tensors, self._tensors(tensors, _alignment(metadata.get("general.alignment"))))

    def _version(self) -> int:
        version: int = self._number("I")
        if version & 0xFFFF == 0:  # written on a big-endian machine
            self._order, version = ">", int.from_bytes(version.to_bytes(4, "little"), "big")
        if version not in VERSIONS:
            raise self._wrong(f"is of version {version}; {VERSIONS[0]} and {VERSIONS[1]} are known: make it again")
        return version

    def _tensors(self, count: int, alignment: int) -> int:
        """How many elements all tensors have. Their data must lie within the file."""
        parameters = last = 0
        for _ in range(count):
            name = self._string(MAX_KEY_BYTES)
            dimensions = self._number("I")
            if dimensions > _MOST_DIMENSIONS:
                raise self._wrong(f"gives the tensor '{shown(name)}' {dimensions} dimensions")
            elements = math.prod(self._number("Q") for _ in range(dimensions))
            block, size = _BLOCKS.get(self._number("I"), (1, 0))
            offset = self._number("Q")
            if elements > self._size * 8:  # no type has less than a bit
                raise self._too_many(name, elements, offset + elements // block * size)
            parameters += elements
            last = max(last, offset + elements // block * size)
        start = -(-self._at // alignment) * alignment if count else self._at
        if start + last > len(self._content):
            raise TruncatedModel(
                f"{self._name} is cut short: {start + last} bytes are announced, {self._size} are there"
            )
        return parameters

    def _too_many(self, name: str, elements: int, end: int) -> ImportRefused:
        if end > self._size:
            return TruncatedModel(f"{self._name} is cut short: {end} bytes are announced, {self._size} are there")
        return self._wrong(f"gives the tensor '{shown(name)}' {elements} elements, more than it has bits")

    @property
    def _size(self) -> int:
        return len(self._content)

    def _value(self, kind: int, depth: int) -> Any:
        if kind in _NUMBERS:
            return self._number(_NUMBERS[kind])
        if kind == _STRING:
            return self._string(MAX_STRING_BYTES)
        if kind == _ARRAY and depth < _DEEPEST:
            return self._array(depth)
        raise self._wrong(f"has a value of the type {kind}" + (", nested too deep" if kind == _ARRAY else ""))

    def _array(self, depth: int) -> int:
        """Skips it, and returns its length."""
        kind = self._number("I")
        if kind in _NUMBERS:
            length: int = self._number("Q")
            self._skip(length * struct.calcsize("<" + _NUMBERS[kind]))
            return length
        length = self._count()
        for _ in range(length):
            if kind == _STRING:
                self._skip(self._number("Q"))
            else:
                self._value(kind, depth + 1)
        return length

    def _count(self) -> int:
        """How many things follow, of which each takes bytes and time to read."""
        count: int = self._number("Q")
        self._items += count
        if self._items > MAX_ITEMS:
            raise self._wrong(f"announces {self._items} keys, values and tensors; at most {MAX_ITEMS}")
        return count

    def _string(self, longest: int) -> str:
        length = self._number("Q")
        if length > longest:
            raise self._wrong(f"has a text of {length} bytes; at most {longest}")
        start = self._at
        self._skip(length)
        return self._content[start : self._at].decode(errors="replace")

    def _skip(self, length: int) -> None:
        if length > self._size - self._at:
            raise TruncatedModel(f"{self._name} is cut short: a value of {length} bytes ends behind its end")
        self._at += length

    def _number(self, code: str) -> Any:
        found = struct.unpack_from(self._order + code, self._content, self._at)[0]
        self._at += struct.calcsize(self._order + code)
        return found

    def _wrong(self, what: str) -> InvalidModel:
        return InvalidModel(f"{self._name} {what}")


def _alignment(value: Any) -> int:
    return value if isinstance(value, int) and 0 < value <= _LARGEST_ALIGNMENT else _DEFAULT_ALIGNMENT

"""The header of a safetensors file, every number checked (huggingface/safetensors, 'Format')."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aimass.domain.errors import InvalidModel, TruncatedModel
from aimass.formats.content import Content
from aimass.formats.json_object import NotAnObject, parse
from aimass.formats.member import shown

#: safetensors itself takes 100 MB; the largest models' shards have some 200 KB.
MAX_HEADER_BYTES = 16 << 20
MAX_TENSORS = 100_000
_MOST_DIMENSIONS, _LARGEST = 16, 1 << 48
_LENGTH_BYTES = 8
_METADATA = "__metadata__"
_BITS = {"BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16}
_BITS |= {"BF16": 16, "I32": 32, "U32": 32, "F32": 32, "F64": 64, "I64": 64, "U64": 64, "C64": 64, "F4": 4}


@dataclass(frozen=True)
class Tensor:
    """One tensor; its bytes are from `begin` to `end`, counted from the end of the header."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


def read_header(content: Content, name: str = "the safetensors file") -> dict[str, Tensor]:
    """The tensors by name. `name` is what messages call the file.

    Raises TruncatedModel for a file that is shorter than its header says, InvalidModel for a header that contradicts
    itself.
    """
    length = int.from_bytes(content[:_LENGTH_BYTES], "little")
    if length > len(content) - _LENGTH_BYTES:
        raise TruncatedModel(f"{name} is cut short: its header announces {length} bytes")
    if length > MAX_HEADER_BYTES:
        raise InvalidModel(f"{name} has a header of {length} bytes; at most {MAX_HEADER_BYTES}", limit=MAX_HEADER_BYTES)
    try:
        document = parse(content[_LENGTH_BYTES : _LENGTH_BYTES + length])
    except NotAnObject as error:
        raise InvalidModel(f"{name} has no readable header: {error}") from None
    if len(document) > MAX_TENSORS:
        raise InvalidModel(f"{name} holds {len(document)} tensors; at most {MAX_TENSORS}", limit=MAX_TENSORS)
    tensors = {key: _tensor(name, key, value) for key, value in document.items() if key != _METADATA}
    _check_apart(name, tensors, len(content) - _LENGTH_BYTES - length)
    return tensors


def _tensor(name: str, key: str, value: Any) -> Tensor:
    fields = value if isinstance(value, dict) else {}
    dtype, shape, offsets = fields.get("dtype"), _sizes(fields.get("shape")), _sizes(fields.get("data_offsets"))
    if not isinstance(dtype, str) or shape is None or offsets is None or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise InvalidModel(f"{name} describes the tensor '{shown(key)}' wrongly", tensor=shown(key))
    tensor = Tensor(dtype, shape, *offsets)
    bits, size = _BITS.get(dtype), tensor.end - tensor.begin
    # Of a type that isn't known here there is at least a bit to each element.
    if (tensor.elements + 7) // 8 > size or (bits is not None and (tensor.elements * bits + 7) // 8 != size):
        raise InvalidModel(
            f"{name} gives the tensor '{shown(key)}' {tensor.end - tensor.begin} bytes; its shape takes others",
            tensor=shown(key),
        )
    return tensor


def _sizes(value: Any) -> tuple[int, ...] | None:
    if not isinstance(value, list) or len(value) > _MOST_DIMENSIONS:
        return None
    return tuple(value) if all(type(one) is int and 0 <= one < _LARGEST for one in value) else None


def _check_apart(name: str, tensors: Mapping[str, Tensor], size: int) -> None:
    """No tensor ends behind the file's end, and none lies on another."""
    last = 0
    for key, tensor in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if tensor.end > size:
            raise TruncatedModel(f"{name} is cut short within the tensor '{shown(key)}'", tensor=shown(key))
        if tensor.begin < last:
            raise InvalidModel(f"{name} keeps the tensor '{shown(key)}' on top of another", tensor=shown(key))
        last = tensor.end

"""GGUF files, made byte by byte."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

Tensors = Mapping[str, tuple[Sequence[int], int]]
U32, FLOAT, BOOL, STRING, ARRAY, U64 = 4, 6, 7, 8, 9, 10
_CODES = {U32: "I", FLOAT: "f", BOOL: "?", U64: "Q"}


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def value(kind: int, content: Any) -> bytes:
    """A value without its type. An array's content is its elements' type, and they."""
    if kind == STRING:
        return text(content)
    if kind == ARRAY:
        inner, elements = content
        return struct.pack("<IQ", inner, len(elements)) + b"".join(value(inner, one) for one in elements)
    return struct.pack("<" + _CODES[kind], content)


def gguf(metadata: Mapping[str, tuple[int, Any]], tensors: Tensors | None = None, data: int = 0, **lies: int) -> bytes:
    """A file whose tensors are float32, one behind the other, with `data` bytes of them.

    `tensors` has for each its shape and its offset. `lies` are other counts than those: `keys`, `count`, `version`.
    """
    tensors = tensors or {}
    head = b"GGUF" + struct.pack(
        "<IQQ", lies.get("version", 3), lies.get("count", len(tensors)), lies.get("keys", len(metadata))
    )
    for key, (kind, content) in metadata.items():
        head += text(key) + struct.pack("<I", kind) + value(kind, content)
    for name, (shape, offset) in tensors.items():
        head += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, offset)
    return head + bytes(-len(head) % 32) + bytes(data)


def llama(**more: tuple[int, Any]) -> bytes:
    """A language model of 12 numbers."""
    told = {
        "general.architecture": (STRING, "llama"),
        "general.name": (STRING, "Tiny"),
        "general.license": (STRING, "apache-2.0"),
        "general.file_type": (U32, 15),
        "llama.context_length": (U32, 4096),
        "tokenizer.ggml.model": (STRING, "gpt2"),
        "tokenizer.ggml.tokens": (ARRAY, (STRING, ["a", "b", "c"])),
        "tokenizer.ggml.scores": (ARRAY, (FLOAT, [0.0, 1.0, 2.0])),
    }
    return gguf(told | more, {"w": ((3, 4), 0)}, 48)

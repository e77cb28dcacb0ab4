"""Weights without a graph."""

from __future__ import annotations

from aimass.formats.content import Content

TITLES = {
    "safetensors": "safetensors weights",
    "gguf": "a GGUF language model",
    "ggml": "a GGML language model",
}
# safetensors itself refuses a longer header.
_HEADER_BYTES = 100_000_000


def recognise(content: Content) -> str | None:
    head = content[:9]
    if head[:4] == b"GGUF":
        return "gguf"
    if head[:4] in {b"lmgg", b"tjgg", b"fmgg"}:
        return "ggml"
    length = int.from_bytes(head[:8], "little")
    return "safetensors" if head[8:9] == b"{" and 2 <= length <= _HEADER_BYTES else None

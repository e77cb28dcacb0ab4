"""GGML and the other formats that llama.cpp had before GGUF."""

from __future__ import annotations

from aimass.formats.content import Content
from aimass.formats.converter import Converter

_MAGICS = frozenset((b"lmgg", b"tjgg", b"fmgg", b"algg"))


def _recognise(content: Content) -> str | None:
    return "ggml" if content[:4] in _MAGICS else None


CONVERTER = Converter(
    titles={"ggml": "a GGML model"},
    recognise=_recognise,
    refused={
        "ggml": "convert it to GGUF with llama.cpp's or whisper.cpp's own script, or send the model it was made from"
    },
)

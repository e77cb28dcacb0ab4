"""Models that were compiled for one device or one runtime, out of which no graph comes back."""

from __future__ import annotations

from aimass.formats.content import Content
from aimass.formats.converter import Converter

# Where the mark lies, and what it is.
_MARKS = (
    ("tensorrt", 0, b"ftrt"),
    ("tensorrt", 0, b"ptrt"),
    ("rknn", 0, b"RKNN"),
    ("ncnn", 0, b"7767517\n"),
    ("executorch", 4, b"ET1"),
    ("hailo", 0, b"\x01HEF"),
)


def _recognise(content: Content) -> str | None:
    head = content[:16]
    return next((name for name, at, mark in _MARKS if head[at : at + len(mark)] == mark), None)


_REMEDY = "it is compiled for one runtime; send the ONNX, PyTorch or TensorFlow model that it was made from"
_TITLES = {
    "tensorrt": "a TensorRT engine",
    "rknn": "an RKNN model",
    "ncnn": "an ncnn model (.param)",
    "executorch": "an ExecuTorch program (.pte)",
    "hailo": "a Hailo model (.hef)",
}
CONVERTER = Converter(titles=_TITLES, recognise=_recognise, refused=dict.fromkeys(_TITLES, _REMEDY))

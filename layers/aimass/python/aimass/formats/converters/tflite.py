"""TensorFlow Lite (tensorflow/lite/schema/schema.fbs)."""

from __future__ import annotations

from pathlib import Path

from aimass.formats.content import Content
from aimass.formats.converter import Candidate, Converter, Original


def _recognise(content: Content) -> str | None:
    return "tflite" if content[4:8] == b"TFL3" else None


def _open(folder: Path, candidate: Candidate) -> Original:
    from aimass.formats.converters import _tflite

    return _tflite.open_tflite(folder, candidate)


CONVERTER = Converter(
    titles={"tflite": "TensorFlow Lite (.tflite)"},
    environment="tensorflow",
    recognise=_recognise,
    open=_open,
    remedy="send the SavedModel or Keras model that it was made from",
)

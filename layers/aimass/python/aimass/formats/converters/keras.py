"""Keras."""

from __future__ import annotations

from pathlib import Path

from aimass.formats.content import Content
from aimass.formats.converter import Candidate, Converter, Original

_HDF5 = b"\x89HDF\r\n\x1a\n"
_HDF5_HEAD = 1 << 20
_MODEL = (b"keras_version", b"model_config")


def _recognise(content: Content) -> str | None:
    if content[: len(_HDF5)] != _HDF5:
        return None
    head = content[:_HDF5_HEAD]
    return "keras-hdf5" if any(name in head for name in _MODEL) else "hdf5"


def _open(folder: Path, candidate: Candidate) -> Original:
    from aimass.formats.converters import _keras

    return _keras.open_keras(folder, candidate)


def _scan(folder: Path, candidate: Candidate) -> str:
    """Raises ConversionFailed for a configuration that names code or classes of its owner's own."""
    from aimass.formats.converters import _keras_config

    _keras_config.checked(folder / candidate.main, candidate.format)
    return "its configuration names classes of Keras alone, and no code"


CONVERTER = Converter(
    titles={
        "keras": "a Keras model (.keras)",
        "keras-hdf5": "a Keras model (.h5)",
        "hdf5": "an HDF5 file without a model's configuration",
    },
    environment="tensorflow",
    recognise=_recognise,
    open=_open,
    scan=_scan,
    members=(("keras", ("config.json", "model.weights.h5")),),
    program=frozenset({"keras", "keras-hdf5"}),
    accepted="TensorFlow (SavedModel, .keras, .h5, .tflite)",
    refused={"hdf5": "weights alone have no graph; send the whole model, as model.save('model.keras') writes it"},
    remedy="export it with tf2onnx or model.export('model.onnx', format='onnx') where it was trained",
)

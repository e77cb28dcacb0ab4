"""How TensorFlow and Keras save a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

from tests.converters.models.made import Made

Make = Callable[..., Made]


def files_of(folder: Path) -> tuple[str, ...]:
    """A SavedModel's files, its graph first."""
    there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return ("saved_model.pb", *(path for path in there if path != "saved_model.pb"))


def saved_as(model: keras.Model, folder: Path, saved: str) -> Made:
    if saved == "savedmodel":
        model.export(folder, verbose=False)
        return Made("savedmodel", files_of(folder))
    if saved == "tflite":
        converted = tf.lite.TFLiteConverter.from_keras_model(model).convert()
        (folder / "model.tflite").write_bytes(converted)
        return Made("tflite", ("model.tflite",))
    model.save(folder / f"model.{saved}")
    return Made("keras" if saved == "keras" else "keras-hdf5", (f"model.{saved}",))

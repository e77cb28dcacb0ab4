"""Keras models of handwritten digits, saved in every way that TensorFlow has."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tests.converters.models.made import Made, best_column
from tests.converters.models.tensorflow_saved import files_of

layers = keras.layers


def _digits() -> tuple[np.ndarray, np.ndarray]:
    """[1797, 8, 8, 1] grey values from 0 to 16; which digit. scikit-learn is in the project's environment, not here."""
    found = next(Path(sys.prefix).parent.glob("lib/python*/site-packages/sklearn/datasets/data/digits.csv.gz"))
    with gzip.open(found) as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.float32)
    return table[:, :-1].reshape(-1, 8, 8, 1), table[:, -1].astype(int)


def _trained() -> keras.Model:
    """Learns the even rows of the digits: convolutions, a separable one, a normalisation, a residual sum."""
    keras.utils.set_random_seed(1)
    pictures, truth = _digits()
    image = layers.Input((8, 8, 1), name="image")
    first = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.Rescaling(1 / 16)(image))
    second = layers.BatchNormalization(momentum=0.9)(layers.SeparableConv2D(8, 3, padding="same")(first))
    pooled = layers.MaxPooling2D()(layers.Activation("relu6")(layers.Add()([first, second])))
    scores = layers.Dense(10, activation="softmax", name="digit")(layers.Dropout(0.2)(layers.Flatten()(pooled)))
    model = keras.Model(image, scores)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(pictures[::2], truth[::2], batch_size=64, epochs=12, verbose=0)
    return model


def _scored(format: str, files: tuple[str, ...], output: str, rows: int | None = None) -> Made:
    pictures, truth = _digits()
    tried = slice(1, None, 2) if rows is None else slice(1, 2 * rows, 2)
    return Made(format, files, {"image": pictures[tried]}, best_column(truth[tried], output))


def digits(folder: Path, suffix: str = "keras") -> Made:
    _trained().save(folder / f"model.{suffix}")
    return _scored("keras" if suffix == "keras" else "keras-hdf5", (f"model.{suffix}",), "digit")


def digits_savedmodel(folder: Path) -> Made:
    _trained().export(folder, verbose=False)
    return _scored("savedmodel", files_of(folder), "digit")


def digits_tflite(folder: Path, quantized: str = "") -> Made:
    """`quantized` is `weights`, whose activations stay floats, or `all`, whose inputs and outputs are int8."""
    converter = tf.lite.TFLiteConverter.from_keras_model(_trained())
    if quantized:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantized == "all":
        converter.representative_dataset = lambda: ([picture[None]] for picture in _digits()[0][:200:2])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    (folder / "model.tflite").write_bytes(converter.convert())
    if quantized != "all":
        return _scored("tflite", ("model.tflite",), "digit")
    made = _scored("tflite", ("model.tflite",), "digit")
    return Made(made.format, made.files, {"image": (made.rows["image"] * 255 / 16 - 128).astype(np.int8)}, made.score)


def old_digits(folder: Path) -> Made:
    """As Keras 2 wrote it: the configuration has no modules, and the input's shape is `batch_input_shape`."""
    import h5py

    keras.utils.set_random_seed(1)
    pictures, truth = _digits()
    model = keras.Sequential([layers.Input((64,)), layers.Dense(32, "relu"), layers.Dense(10, "softmax", name="digit")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(pictures[::2].reshape(-1, 64), truth[::2], batch_size=32, epochs=10, verbose=0)
    model.save(folder / "model.h5")
    kept = ("name", "units", "activation", "use_bias")
    configured = [
        {"class_name": "Dense", "config": {key: one.get_config()[key] for key in kept}} for one in model.layers
    ]
    first = {"name": "dense_input", "batch_input_shape": [None, 64], "dtype": "float32", "sparse": False}
    configured.insert(0, {"class_name": "InputLayer", "config": first})
    with h5py.File(folder / "model.h5", "r+") as file:
        config = {"class_name": "Sequential", "config": {"name": model.name, "layers": configured}}
        file.attrs["model_config"], file.attrs["keras_version"] = json.dumps(config), "2.11.0"
    tried = pictures[1::2].reshape(-1, 64)
    return Made("keras-hdf5", ("model.h5",), {"dense_input": tried}, best_column(truth[1::2], "digit"))

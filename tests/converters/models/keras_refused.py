"""Keras files that hold more than Keras's own layers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras

from tests.converters.models.made import Made

layers = keras.layers


def with_code(folder: Path, suffix: str = "keras") -> Made:
    """Its Lambda leaves a file behind wherever it runs."""
    mark = str(folder / "ran")
    lambda_ = layers.Lambda(lambda value: value * (2 + 0 * len(str(open(mark, "w")))), output_shape=(3,))  # noqa: SIM115
    keras.Sequential([layers.Input((3,)), lambda_]).save(folder / f"model.{suffix}")
    return Made("keras" if suffix == "keras" else "keras-hdf5", (f"model.{suffix}",))


@keras.saving.register_keras_serializable("shop")
class Doubled(layers.Layer):
    def call(self, value: Any) -> Any:
        return value * 2


def with_own_class(folder: Path) -> Made:
    keras.Sequential([layers.Input((3,)), Doubled()]).save(folder / "model.keras")
    return Made("keras", ("model.keras",))


def with_download(folder: Path) -> Made:
    """Its configuration names a function of Keras that is no layer."""
    import zipfile

    keras.Sequential([layers.Input((3,)), layers.Dense(2)]).save(folder / "whole.keras")
    with zipfile.ZipFile(folder / "whole.keras") as whole, zipfile.ZipFile(folder / "model.keras", "w") as changed:
        for name in whole.namelist():
            text = whole.read(name)
            if name == "config.json":
                config = json.loads(text)
                config["config"]["layers"][1] |= {"module": "keras.utils", "class_name": "get_file"}
                text = json.dumps(config).encode()
            changed.writestr(name, text)
    return Made("keras", ("model.keras",))


def outside_weights(folder: Path) -> Made:
    """An HDF5 file whose weights are a link into another one."""
    import h5py

    keras.Sequential([layers.Input((3,)), layers.Dense(2)]).save(folder / "model.h5")
    with h5py.File(folder / "model.h5", "r+") as file:
        file["model_weights/elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")
    return Made("keras-hdf5", ("model.h5",))

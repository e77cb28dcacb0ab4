"""TensorFlow Lite files of single functions and layers."""

from __future__ import annotations

from pathlib import Path

import keras
import tensorflow as tf

from tests.converters.models.made import Made
from tests.converters.models.tensorflow_functions import Functions

layers = keras.layers


def tflite_under_another_name(folder: Path) -> Made:
    """Its operator ReadFile is listed as Erf: TensorFlow Lite runs what the operator's options say."""
    from tensorflow.lite.tools import flatbuffer_utils

    path = str(folder / "model.tflite")
    tflite_of(folder, "reads")
    model = flatbuffer_utils.read_model(path)
    for code in model.operatorCodes:
        if code.customCode == b"FlexReadFile":
            code.customCode = b"FlexErf"
    flatbuffer_utils.write_model(model, path)
    return Made("tflite", ("model.tflite",))


def tflite_of(folder: Path, function: str) -> Made:
    """A function of `Functions` as TensorFlow Lite, with TensorFlow's own operators where it lacks one."""
    module = Functions()
    concrete = getattr(module, function).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    converter.experimental_enable_resource_variables = True
    (folder / "model.tflite").write_bytes(converter.convert())
    return Made("tflite", ("model.tflite",))


def recurrent_tflite(folder: Path) -> Made:
    """An LSTM, which TensorFlow Lite runs as one operator with a state."""
    keras.utils.set_random_seed(8)
    model = keras.Sequential([layers.Input(batch_shape=(1, 6, 4), name="steps"), layers.LSTM(5), layers.Dense(2)])
    (folder / "model.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    return Made("tflite", ("model.tflite",))


def gelu_tflite(folder: Path, *, approximate: bool) -> Made:
    keras.utils.set_random_seed(9)
    steps = layers.Input((6,), name="measures")
    read = layers.Lambda(lambda x: tf.nn.gelu(x, approximate=approximate))(layers.Dense(8)(steps))
    model = keras.Model(steps, layers.Dense(2)(read))
    (folder / "model.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    return Made("tflite", ("model.tflite",))


def labelled_tflite(folder: Path) -> Made:
    """With a list of labels behind the model, as metadata packs it."""
    import zipfile

    made = tflite_of(folder, "plain")
    with zipfile.ZipFile(folder / "model.tflite", "a") as archive:
        archive.writestr("labels.txt", "hot\ncold\n")
    return made


def sparse_tflite(folder: Path) -> Made:
    """One of whose tensors is marked as stored sparse."""
    from tensorflow.lite.python.schema_py_generated import SparsityParametersT
    from tensorflow.lite.tools import flatbuffer_utils

    path = str(folder / "model.tflite")
    tflite_of(folder, "plain")
    model = flatbuffer_utils.read_model(path)
    model.subgraphs[0].tensors[0].sparsity = SparsityParametersT()
    flatbuffer_utils.write_model(model, path)
    return Made("tflite", ("model.tflite",))

"""Keras models of handwritten digits and of made-up tables, saved in every way that TensorFlow has."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tests.converters.models.made import Made, best_column, r2

Make = Callable[..., Made]
layers = keras.layers
v1 = tf.compat.v1
WORDS = ("red", "green", "blue", "äpple")


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
    return _scored("savedmodel", files_of(folder), "output_0")


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
        return _scored("tflite", ("model.tflite",), "output_0")
    made = _scored("tflite", ("model.tflite",), "output_0")
    return Made(made.format, made.files, {"image": (made.rows["image"] * 255 / 16 - 128).astype(np.int8)}, made.score)


def old_digits(folder: Path) -> Made:
    """As Keras 2 wrote it: the configuration has no modules, and the input's shape is `batch_input_shape`."""
    import h5py

    keras.utils.set_random_seed(1)
    pictures, truth = _digits()
    model = keras.Sequential([layers.Input((64,)), layers.Dense(32, "relu"), layers.Dense(10, "softmax")])
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
    return Made("keras-hdf5", ("model.h5",), {"dense_input": tried}, best_column(truth[1::2], "output_0"))


def two_by_two(folder: Path, saved: str = "keras") -> Made:
    """A table and words' numbers in, a score and a kind out, both by name."""
    keras.utils.set_random_seed(2)
    table, tokens = layers.Input((8,), name="table"), layers.Input((5,), dtype="int32", name="tokens")
    read = layers.GlobalAveragePooling1D()(layers.Embedding(50, 6)(tokens))
    joined = layers.Concatenate()([layers.Dense(4, activation="relu")(table), read])
    outputs = {
        "score": layers.Dense(1, activation="sigmoid")(joined),
        "kind": layers.Dense(3, activation="softmax")(joined),
    }
    return _saved(keras.Model({"table": table, "tokens": tokens}, outputs), folder, saved)


def standardised(folder: Path) -> Made:
    """Columns of very different sizes, brought to one by a layer."""
    random = np.random.default_rng(3)
    rows = (random.normal(size=(500, 4)) * [1, 10, 100, 1000] + [0, 50, -300, 1e4]).astype(np.float32)
    truth = rows @ np.array([3, -0.2, 0.01, 0.002])
    keras.utils.set_random_seed(3)
    adapted = layers.Normalization()
    adapted.adapt(rows)
    model = keras.Sequential([layers.Input((4,), name="measures"), adapted, layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.3), "mse")
    model.fit(rows[::2], truth[::2], epochs=30, verbose=0)
    model.save(folder / "model.keras")
    return Made("keras", ("model.keras",), {"measures": rows[1::2]}, r2(truth[1::2], "output_0"))


def recurrent(folder: Path, saved: str = "keras", *, stateful: bool = False) -> Made:
    """Any number of steps, read forwards and backwards; with a state, it goes on where the call before ended."""
    keras.utils.set_random_seed(4)
    steps = layers.Input(batch_shape=(2, 6, 4), name="steps") if stateful else layers.Input((None, 4), name="steps")
    read = layers.LSTM(6, return_sequences=True, stateful=stateful)(steps)
    answer = layers.Dense(2, name="answer")(read if stateful else layers.Bidirectional(layers.GRU(3))(read))
    return _saved(keras.Model(steps, answer), folder, saved)


def words(folder: Path, saved: str = "savedmodel") -> Made:
    """Looks words up in a table."""
    model = keras.Sequential([layers.Input((2,), dtype="string", name="words"), layers.StringLookup(vocabulary=WORDS)])
    return _saved(model, folder, saved)


def picture_layers(folder: Path) -> Made:
    """What Keras does to pictures, an output for each layer."""
    keras.utils.set_random_seed(10)
    image = layers.Input((9, 9, 4), name="image")
    outputs = {
        "transposed": layers.Conv2DTranspose(3, 3, strides=2, padding="same"),
        "depthwise": layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2),
        "dilated": layers.Conv2D(3, 3, dilation_rate=2, padding="same"),
        "grouped": layers.Conv2D(4, 3, groups=2),
        "enlarged": layers.UpSampling2D(2, interpolation="bilinear"),
        "repeated": layers.UpSampling2D(3),
        "resized": layers.Resizing(5, 7),
        "averaged": layers.AveragePooling2D(2, padding="same"),
        "greatest": layers.GlobalMaxPooling2D(),
        "group_norm": layers.GroupNormalization(2),
        "unit_norm": layers.UnitNormalization(),
        "prelu": layers.PReLU(),
        "elu": layers.ELU(),
        "gelu": layers.Activation("gelu"),
        "mish": layers.Activation("mish"),
        "hard_sigmoid": layers.Activation("hard_sigmoid"),
        "cropped": layers.CenterCrop(4, 4),
        "padded": layers.ZeroPadding2D(((1, 2), (0, 3))),
        "turned": layers.Permute((3, 1, 2)),
    }
    return _saved(keras.Model(image, {name: layer(image) for name, layer in outputs.items()}), folder, "keras")


def step_layers(folder: Path) -> Made:
    """What Keras does to steps, an output for each layer; some steps are masked."""
    keras.utils.set_random_seed(11)
    steps, tokens = layers.Input((7, 4), name="steps"), layers.Input((7,), dtype="int32", name="tokens")
    known = layers.Embedding(20, 4, mask_zero=True)(tokens)
    outputs = {
        "lstm": layers.LSTM(3)(steps),
        "masked_lstm": layers.LSTM(3)(known),
        "masked_gru": layers.GRU(3, return_sequences=True)(known),
        "older_gru": layers.GRU(3, reset_after=False)(steps),
        "simple": layers.SimpleRNN(3)(steps),
        "backwards": layers.LSTM(3, go_backwards=True)(steps),
        "both_ways": layers.Bidirectional(layers.LSTM(3, return_sequences=True), merge_mode="sum")(steps),
        "causal": layers.Conv1D(3, 2, padding="causal")(steps),
        "averaged": layers.GlobalAveragePooling1D()(known),
        "attention": layers.Attention()([steps, known]),
        "additive": layers.AdditiveAttention()([steps, steps]),
        "each_step": layers.TimeDistributed(layers.Dense(2))(steps),
    }
    return _saved(keras.Model([steps, tokens], outputs), folder, "keras")


def named_classes(folder: Path) -> Made:
    """Answers with a class's name."""
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(tf.constant([3, 5, 8], tf.int64), tf.constant(WORDS[:3])), "unknown"
    )
    module = tf.Module()
    module.table = table
    specs = [tf.TensorSpec((None,), tf.int64, name="code")]
    module.look = tf.function(lambda code: {"name": table.lookup(code)}, input_signature=specs)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.look})
    return Made("savedmodel", files_of(folder))


def attention(folder: Path) -> Made:
    keras.utils.set_random_seed(5)
    tokens = layers.Input((12,), dtype="int32", name="tokens")
    read = layers.Embedding(30, 16)(tokens)
    read = layers.LayerNormalization()(layers.MultiHeadAttention(2, 8)(read, read) + read)
    return _saved(keras.Model(tokens, layers.Dense(3, name="tags")(read)), folder, "keras")


def shared_output(folder: Path) -> Made:
    """One layer gives both outputs, and an input that decides nothing comes along."""
    keras.utils.set_random_seed(6)
    one, other, spare = (layers.Input((3,), name=name) for name in ("one", "other", "a spare-one"))
    shared = layers.Dense(2, name="shared")
    return _saved(keras.Model([one, other, spare], [shared(one), shared(other)]), folder, "keras")


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


class Functions(tf.Module):
    """What TensorFlow can put into a SavedModel beside a model."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = tf.Variable(np.arange(8, dtype=np.float32).reshape(4, 2) / 8)

    @tf.function(input_signature=[tf.TensorSpec((None, 4), name="x")])
    def plain(self, x: Any) -> Any:
        return {"x": x @ self.weights, "same": x}

    @tf.function(input_signature=[tf.TensorSpec((None, 4), name="x")])
    def branches(self, x: Any) -> Any:
        for _ in tf.range(3):
            x = tf.cond(tf.reduce_sum(x) > 0, lambda x=x: x * 0.5, lambda x=x: x - 1.0)
        return {"y": x}

    @tf.function(input_signature=[tf.TensorSpec((None, 4), name="x")])
    def counts(self, x: Any) -> Any:
        self.weights.assign_add(tf.ones((4, 2)))
        return {"y": x @ self.weights}

    @tf.function(input_signature=[tf.TensorSpec((), tf.string, name="path")])
    def reads(self, path: Any) -> Any:
        return {"text": tf.io.read_file(path)}

    @tf.function(input_signature=[tf.TensorSpec((None, 4), name="x")])
    def runs(self, x: Any) -> Any:
        return {"y": tf.numpy_function(lambda value: value, [x], tf.float32)}

    @tf.function(input_signature=[tf.TensorSpec((None, 4), name="x")])
    def saves(self, x: Any) -> Any:
        written = tf.raw_ops.SaveV2(prefix="/tmp/written", tensor_names=["x"], shape_and_slices=[""], tensors=[x])
        with tf.control_dependencies([written]):
            return {"y": tf.identity(x)}

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, name="text")])
    def cuts(self, text: Any) -> Any:
        return {"parts": tf.strings.split(text).to_tensor()}

    @tf.function(input_signature=[tf.TensorSpec((None, 4), name="x")])
    def guesses(self, x: Any) -> Any:
        return {"y": x + tf.random.normal(tf.shape(x))}


def functions(folder: Path, signatures: dict[str, str]) -> Made:
    """A SavedModel with these signatures, each a function of `Functions`."""
    module = Functions()
    there = {name: getattr(module, function) for name, function in signatures.items()}
    saved = tf.Module()
    saved.weights = module.weights
    tf.saved_model.save(saved, str(folder), signatures=there or None)
    return Made("savedmodel", files_of(folder))


def without_variables(folder: Path) -> Made:
    made = functions(folder, {"serving_default": "plain"})
    for path in (folder / "variables").iterdir():
        path.unlink()
    return made


def of_tensorflow_1(folder: Path) -> Made:
    """A graph with variables that are no resources, as TensorFlow 1 saved it."""
    random = np.random.default_rng(7)
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        features = v1.placeholder(tf.float32, (None, 4), "features")
        weights = v1.get_variable("w", initializer=random.normal(size=(4, 3)).astype(np.float32), use_resource=False)
        scores = tf.nn.softmax(features @ weights)
        session.run(v1.global_variables_initializer())
        saved = str(folder / "saved")
        outputs = {"scores": scores, "class": tf.argmax(scores, 1)}
        v1.saved_model.simple_save(session, saved, {"features": features}, outputs)
    for name in os.listdir(saved):
        (Path(saved) / name).rename(folder / name)
    return Made("savedmodel", files_of(folder))


def hidden_graph(folder: Path) -> Made:
    """Its constant is a graph of a data set, which TensorFlow would run; in it any operator may stand."""
    elements = tf.data.Dataset.range(3).map(lambda number: number + 1)
    graph = elements._as_serialized_graph().numpy()
    module = tf.Module()

    def answer(x: Any) -> Any:
        variant = tf.raw_ops.DatasetFromGraph(graph_def=tf.constant(graph))
        count = tf.raw_ops.DatasetCardinality(input_dataset=variant)
        return {"y": x + tf.cast(count, tf.float32)}

    module.answer = tf.function(answer, input_signature=[tf.TensorSpec((None, 4), name="x")])
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.answer})
    return Made("savedmodel", files_of(folder))


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


def packaged(folder: Path, saved: str) -> Made:
    """basic_pitch, a model of notes in sound that TensorFlow 2.4 saved, as a SavedModel or as TensorFlow Lite."""
    packages = next(Path(sys.prefix).parent.glob("models/basic_pitch/saved_models/icassp_2022"))
    if saved == "tflite":
        shutil.copy(packages / "nmp.tflite", folder / "model.tflite")
        return Made("tflite", ("model.tflite",))
    shutil.copytree(packages / "nmp", folder, dirs_exist_ok=True)
    return Made("savedmodel", files_of(folder))


def files_of(folder: Path) -> tuple[str, ...]:
    """A SavedModel's files, its graph first."""
    there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return ("saved_model.pb", *(path for path in there if path != "saved_model.pb"))


def _saved(model: keras.Model, folder: Path, saved: str) -> Made:
    if saved == "savedmodel":
        model.export(folder, verbose=False)
        return Made("savedmodel", files_of(folder))
    model.save(folder / f"model.{saved}")
    return Made("keras" if saved == "keras" else "keras-hdf5", (f"model.{saved}",))


MODELS: dict[str, Make] = {
    make.__name__: make
    for make in (
        *(digits, digits_savedmodel, digits_tflite, old_digits, two_by_two, standardised, recurrent, words, attention),
        *(named_classes, picture_layers, step_layers),
        *(shared_output, with_code, with_own_class, with_download, outside_weights, functions, without_variables),
        *(
            hidden_graph,
            tflite_under_another_name,
            of_tensorflow_1,
            tflite_of,
            recurrent_tflite,
            gelu_tflite,
            labelled_tflite,
            sparse_tflite,
            packaged,
        ),
    )
}

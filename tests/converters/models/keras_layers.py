"""Keras models of made-up tables, steps and pictures: what its layers do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

from tests.converters.models.made import Made, r2
from tests.converters.models.tensorflow_saved import saved_as

layers = keras.layers


WORDS = ("red", "green", "blue", "äpple")


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
    return saved_as(keras.Model({"table": table, "tokens": tokens}, outputs), folder, saved)


def without_names(folder: Path, saved: str = "keras") -> Made:
    """Two answers in a list, which a signature calls output_0 and output_1; the layers are dense, dense_1 and kind."""
    keras.utils.clear_session()
    row = layers.Input((4,), name="row")
    hidden = layers.Dense(3, activation="relu")(row)
    answers = [layers.Dense(2, activation="softmax", name="kind")(hidden), layers.Dense(1)(hidden)]
    return saved_as(keras.Model(row, answers), folder, saved)


def standardised(folder: Path) -> Made:
    """Columns of very different sizes, brought to one by a layer."""
    random = np.random.default_rng(3)
    rows = (random.normal(size=(500, 4)) * [1, 10, 100, 1000] + [0, 50, -300, 1e4]).astype(np.float32)
    truth = rows @ np.array([3, -0.2, 0.01, 0.002])
    keras.utils.set_random_seed(3)
    adapted = layers.Normalization()
    adapted.adapt(rows)
    model = keras.Sequential([layers.Input((4,), name="measures"), adapted, layers.Dense(1, name="sum")])
    model.compile(keras.optimizers.Adam(0.3), "mse")
    model.fit(rows[::2], truth[::2], epochs=30, verbose=0)
    model.save(folder / "model.keras")
    return Made("keras", ("model.keras",), {"measures": rows[1::2]}, r2(truth[1::2], "sum"))


def recurrent(folder: Path, saved: str = "keras", *, stateful: bool = False) -> Made:
    """Any number of steps, read forwards and backwards; with a state, it goes on where the call before ended."""
    keras.utils.set_random_seed(4)
    steps = layers.Input(batch_shape=(2, 6, 4), name="steps") if stateful else layers.Input((None, 4), name="steps")
    read = layers.LSTM(6, return_sequences=True, stateful=stateful)(steps)
    answer = layers.Dense(2, name="answer")(read if stateful else layers.Bidirectional(layers.GRU(3))(read))
    return saved_as(keras.Model(steps, answer), folder, saved)


def words(folder: Path, saved: str = "savedmodel") -> Made:
    """Looks words up in a table."""
    model = keras.Sequential([layers.Input((2,), dtype="string", name="words"), layers.StringLookup(vocabulary=WORDS)])
    return saved_as(model, folder, saved)


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
    return saved_as(keras.Model(image, {name: layer(image) for name, layer in outputs.items()}), folder, "keras")


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
    return saved_as(keras.Model([steps, tokens], outputs), folder, "keras")


def intervals(folder: Path, saved: str = "keras") -> Made:
    """A number is told by the interval that it lies in."""
    age = layers.Input((1,), name="age")
    told = layers.CategoryEncoding(num_tokens=4)(layers.Discretization(bin_boundaries=[0.0, 0.3, 1.0])(age))
    return saved_as(keras.Model(age, layers.Dense(2)(told)), folder, saved)


def varied(folder: Path, saved: str = "savedmodel") -> Made:
    """Pictures that are turned at random while it trains."""
    parts = [layers.Input((8, 8, 3)), layers.RandomRotation(0.1), layers.Flatten(), layers.Dense(2)]
    return saved_as(keras.Sequential(parts), folder, saved)


def cut_to_words(folder: Path, saved: str = "h5") -> Made:
    """Takes whole texts; an HDF5 file keeps the layer, and not its words."""
    cut = layers.TextVectorization(max_tokens=30, output_sequence_length=6)
    cut.adapt(["the cat sat", "a dog ran"])
    text = layers.Input((1,), dtype="string", name="text")
    pooled = layers.GlobalAveragePooling1D()(layers.Embedding(30, 4)(cut(text)))
    return saved_as(keras.Model(text, layers.Dense(2)(pooled)), folder, saved)


def of_own_class(folder: Path, saved: str = "keras") -> Made:
    """A class that its owner has not registered."""

    class Own(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.last = layers.Dense(2, name="last")

        def call(self, x: Any) -> Any:
            return self.last(x)

    model = Own()
    model(np.zeros((1, 4), np.float32))
    return saved_as(model, folder, saved)


def attention(folder: Path) -> Made:
    keras.utils.set_random_seed(5)
    tokens = layers.Input((12,), dtype="int32", name="tokens")
    read = layers.Embedding(30, 16)(tokens)
    read = layers.LayerNormalization()(layers.MultiHeadAttention(2, 8)(read, read) + read)
    return saved_as(keras.Model(tokens, layers.Dense(3, name="tags")(read)), folder, "keras")


def shared_output(folder: Path) -> Made:
    """One layer gives both outputs, and an input that decides nothing comes along."""
    keras.utils.set_random_seed(6)
    one, other, spare = (layers.Input((3,), name=name) for name in ("one", "other", "a spare-one"))
    shared = layers.Dense(2, name="shared")
    return saved_as(keras.Model([one, other, spare], [shared(one), shared(other)]), folder, "keras")

"""Versions with a description, and pictures for them."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from onnx import TensorProto
from PIL import Image

from aimass.domain.description import (
    ClassOutput,
    Column,
    Description,
    ImageInput,
    Resize,
    TableInput,
    TextInput,
    Tokenizer,
)
from tests.unit.inference.models import classifier, echo, exclaimed, scaled, two_columns
from tests.unit.inference.plane import Shelf
from tests.unit.sandbox.graphs import model, node, value, weight

COLORS = ("red", "green", "blue")
IRIS = ("sepal length", "sepal width", "petal length", "petal width")


def color_classifier():
    """Scores of red, green and blue: ten times the mean of each channel of [n, 3, 8, 8]."""
    return model(
        [
            node("ReduceMean", ["x"], ["mean"], axes=[2, 3], keepdims=0),
            node("Mul", ["mean", "ten"], ["scores"]),
        ],
        [value("x", ["n", 3, 8, 8])],
        [value("scores", ["n", 3])],
        [weight("ten", np.array(10, np.float32))],
    )


def lengths():
    """How many tokens each text has, of its attention mask."""
    return model(
        [node("ReduceSum", ["mask", "axis"], ["y"], keepdims=1), node("Identity", ["ids"], ["same"])],
        [value("ids", ["n", "t"], TensorProto.INT64), value("mask", ["n", "t"], TensorProto.INT64)],
        [value("y", ["n", 1], TensorProto.INT64), value("same", ["n", "t"], TensorProto.INT64)],
        [weight("axis", np.array([1]))],
    )


def tagger():
    """Logits of three classes of each token, by its number: what is good, what is bad, and the rest."""
    table = np.array([[9, 0, 0], [9, 0, 0], [0, 3, 0], [0, 0, 5], [4, 0, 0]], np.float32)
    return model(
        [
            node("Gather", ["table", "ids"], ["found"]),
            node("Cast", ["mask"], ["floats"], to=TensorProto.FLOAT),
            node("Unsqueeze", ["floats", "axis"], ["column"]),
            node("Mul", ["found", "column"], ["logits"]),
        ],
        [value("ids", ["n", "t"], TensorProto.INT64), value("mask", ["n", "t"], TensorProto.INT64)],
        [value("logits", ["n", "t", 3])],
        [weight("table", table), weight("axis", np.array([2]))],
    )


def word_tokenizer():
    """The file of a tokenizer that knows three words."""
    from tokenizers import Tokenizer as Words
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    words = Words(WordLevel({"[UNK]": 0, "[PAD]": 1, "good": 2, "bad": 3, "day": 4}, unk_token="[UNK]"))
    words.pre_tokenizer = Whitespace()
    return words.to_str().encode()


def gaps():
    """Which cells of three columns are NaN."""
    floats, truths = value("x", ["n", 3]), value("y", ["n", 3], TensorProto.BOOL)
    return model([node("IsNaN", ["x"], ["y"])], [floats], [truths])


def described_shelf():
    """Models that take pictures, texts and rows, and some of the same kind that nothing is said of."""
    shelf = Shelf()
    sees = ImageInput("x", resize=Resize(8, 8))
    colors = Description(COLORS, image=sees, classes=ClassOutput("scores", "softmax"))
    shelf.add("colors", color_classifier(), description=colors)
    best = replace(colors, classes=ClassOutput("scores", "softmax", top_k=1))
    shelf.add("best", color_classifier(), description=best)
    shelf.add("scores", color_classifier(), description=Description(image=sees))
    shelf.add("plain", color_classifier())
    columns = tuple(Column(name, "X") for name in IRIS)
    kinds = ("setosa", "versicolor", "virginica")
    table = Description(kinds, table=TableInput(columns), classes=ClassOutput("probabilities"))
    shelf.add("flowers", classifier(zipmap=False), description=table)
    shelf.add("iris", classifier(zipmap=False))
    people = (Column("Age", "age", missing=40), Column("Visits", "visits"))
    shelf.add("people", two_columns(), description=Description(table=TableInput(people)))
    shelf.add("undescribed-people", two_columns())
    same_names = (Column("age", "age", missing=40), Column("visits", "visits"))
    shelf.add("same-names", two_columns(), description=Description(table=TableInput(same_names)))
    shelf.add("loud", exclaimed())
    shelf.add("described-loud", exclaimed(), description=Description(text=TextInput("s")))
    (words,) = shelf.store({"tokenizer.json": word_tokenizer()}).files
    tokens = Description(text=TextInput(tokenizer=Tokenizer("tokenizer.json", "ids", "mask")))
    shelf.add("words", lengths(), description=tokens, assets=(words,))
    tags = Description(("O", "GOOD", "BAD"), text=tokens.text, classes=ClassOutput("logits", "softmax"))
    shelf.add("tags", tagger(), description=tags, assets=(words,))
    sure = replace(tags, classes=ClassOutput("logits", "softmax", threshold=0.95))
    shelf.add("sure-tags", tagger(), description=sure, assets=(words,))
    shelf.add("untokenized", tagger())
    shelf.add("scaled", scaled())
    for datatype in ("FP16", "BF16", "FP32", "FP64", "INT8", "UINT8", "INT64", "UINT64", "BOOL", "BYTES"):
        shelf.add(f"echo-{datatype.lower()}", echo(datatype))
    shelf.add("holes", gaps(), description=Description(nan_cells=True))
    shelf.add("no-holes", gaps())
    shelf.add("pair", echo("FP32", "INT64"))
    return shelf


def picture(color, kind="PNG", size=(16, 12)):
    """A file of one color."""
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, kind)
    return file.getvalue()


RED, GREEN, BLUE = (picture(color) for color in ("#ff0000", "#00ff00", "#0000ff"))

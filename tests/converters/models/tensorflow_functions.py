"""What TensorFlow can put into a SavedModel beside a model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tests.converters.models.keras_layers import WORDS
from tests.converters.models.made import Made
from tests.converters.models.tensorflow_saved import files_of

v1 = tf.compat.v1


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

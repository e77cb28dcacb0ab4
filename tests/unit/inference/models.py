"""Small ONNX models for predictions: every datatype, structured types, and some that misbehave."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, TypeProto, helper

from tests.unit.sandbox.graphs import model, node, value, weight

ELEMENTS = {
    "BOOL": TensorProto.BOOL,
    "UINT8": TensorProto.UINT8,
    "UINT16": TensorProto.UINT16,
    "UINT32": TensorProto.UINT32,
    "UINT64": TensorProto.UINT64,
    "INT8": TensorProto.INT8,
    "INT16": TensorProto.INT16,
    "INT32": TensorProto.INT32,
    "INT64": TensorProto.INT64,
    "FP16": TensorProto.FLOAT16,
    "BF16": TensorProto.BFLOAT16,
    "FP32": TensorProto.FLOAT,
    "FP64": TensorProto.DOUBLE,
    "BYTES": TensorProto.STRING,
}


def echo(*datatypes: str, shape: Any = None) -> ModelProto:
    """`y_<datatype>` is `x_<datatype>`, for each; any rank without `shape`."""
    nodes = [node("Identity", [f"x_{one}"], [f"y_{one}"]) for one in datatypes]
    inputs = [value(f"x_{one}", shape, ELEMENTS[one]) for one in datatypes]
    outputs = [value(f"y_{one}", shape, ELEMENTS[one]) for one in datatypes]
    return model(nodes, inputs, outputs, opset={"": 21}, ir_version=10)


def scaled(columns: int = 4, factor: float = 2.0) -> ModelProto:
    """`y` is `factor * x`, rows of `columns` floats."""
    return model(
        [node("Mul", ["x", "factor"], ["y"])],
        [value("x", ["n", columns])],
        [value("y", ["n", columns])],
        [weight("factor", np.array(factor, np.float32))],
    )


def two_columns() -> ModelProto:
    """Two inputs of shape [n, 1], `age` FP32 and `visits` INT64; `total` is their sum and `seen` the visits."""
    return model(
        [
            node("Cast", ["visits"], ["real"], to=TensorProto.FLOAT),
            node("Add", ["age", "real"], ["total"]),
            node("Identity", ["visits"], ["seen"]),
        ],
        [value("age", ["n", 1]), value("visits", ["n", 1], TensorProto.INT64)],
        [value("total", ["n", 1]), value("seen", ["n", 1], TensorProto.INT64)],
    )


def shift() -> ModelProto:
    """A row input and a scalar input."""
    return model([node("Add", ["x", "k"], ["y"])], [value("x", ["n"]), value("k", [])], [value("y", ["n"])])


def sequence(element: int = TensorProto.FLOAT) -> ModelProto:
    """A sequence of tensors in, itself and its concatenation out."""
    kind = helper.make_tensor_sequence_value_info
    return model(
        [node("ConcatFromSequence", ["s"], ["joined"], axis=0), node("Identity", ["s"], ["same"])],
        [kind("s", element, ["n"])],
        [value("joined", ["m"], element), kind("same", element, ["n"])],
    )


def optional() -> ModelProto:
    """An optional tensor in; whether it is there, and itself."""
    kind = helper.make_optional_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, ["n"]))
    return model(
        [node("OptionalHasElement", ["o"], ["there"]), node("Identity", ["o"], ["same"])],
        [helper.make_value_info("o", kind)],
        [value("there", [], TensorProto.BOOL), helper.make_value_info("same", kind)],
        opset={"": 18},
    )


def dictionary() -> ModelProto:
    """A map from class numbers to floats in, its values in the order 1, 5, 7 out."""
    kind = TypeProto()
    kind.map_type.key_type = TensorProto.INT64
    kind.map_type.value_type.CopyFrom(helper.make_tensor_type_proto(TensorProto.FLOAT, None))
    vectorizer = node("DictVectorizer", ["m"], ["y"], domain="ai.onnx.ml", int64_vocabulary=[1, 5, 7])
    return model([vectorizer], [helper.make_value_info("m", kind)], [value("y", None)], opset={"": 17, "ai.onnx.ml": 1})


def classifier(zipmap: bool) -> ModelProto:
    """A logistic regression on iris: label and probabilities, as a matrix or as ZipMap's sequence of maps."""
    from skl2onnx import to_onnx
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    features, classes = load_iris(return_X_y=True)
    fitted = LogisticRegression(max_iter=500).fit(features, classes)
    return to_onnx(fitted, features[:1].astype(np.float32), options={"zipmap": zipmap}, target_opset=17)


def exclaimed() -> ModelProto:
    """Strings with a mark behind them; the output's name says that it holds bytes."""
    return model(
        [node("StringConcat", ["s", "mark"], ["loud_bytes"])],
        [value("s", ["n"], TensorProto.STRING)],
        [value("loud_bytes", ["n"], TensorProto.STRING)],
        [helper.make_tensor("mark", TensorProto.STRING, [1], [b"!"])],
        opset={"": 20},
    )


def growing() -> ModelProto:
    """A float vector of `size` elements, computed when it runs; the sum of twice its elements out."""
    return model(
        [
            node("Expand", ["one", "size"], ["large"]),
            node("Add", ["large", "large"], ["twice"]),
            node("ReduceSum", ["twice"], ["y"], keepdims=0),
        ],
        [value("size", [1], TensorProto.INT64)],
        [value("y", [])],
        [weight("one", np.ones(1, np.float32))],
    )


def numbers_of(datatype: str) -> np.dtype[Any]:
    """The dtype of a datatype of numbers."""
    return np.dtype(helper.tensor_dtype_to_np_dtype(ELEMENTS[datatype]))

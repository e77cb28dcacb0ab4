"""A convolutional net for handwritten digits, made in a second without a training framework.

Its filters are drawn at random, and its last layer is solved by least squares: about 98 of 100 digits are read right.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession

TRAINED = 797
_CHANNELS = 96
Arrays = tuple[np.ndarray, np.ndarray]


@cache
def digits() -> tuple[Arrays, Arrays]:
    """Pictures of 8 by 8, 0 to 1, with their digits: those to train on, and those to compress with."""
    from sklearn.datasets import load_digits

    found = load_digits()
    order = np.random.default_rng(3).permutation(len(found.target))
    x = (found.images[order] / 16).astype(np.float32)[:, None]
    y = found.target[order].astype(np.int64)
    return (x[:TRAINED], y[:TRAINED]), (x[TRAINED:], y[TRAINED:])


@cache
def net() -> bytes:
    """`image` (N, 1, 8, 8) to `scores` (N, 10)."""
    random = np.random.default_rng(5)
    first = random.normal(0, 0.4, (_CHANNELS, 1, 3, 3)).astype(np.float32)
    second = random.normal(0, 0.05, (_CHANNELS, _CHANNELS, 3, 3)).astype(np.float32)
    width = _CHANNELS * 16
    empty = _model(first, second, np.eye(width, dtype=np.float32), np.zeros(width, np.float32))
    (x, y), _ = digits()
    (found,) = InferenceSession(empty).run(None, {"image": x})
    seen = np.hstack([found, np.ones((len(found), 1))])
    solved = np.linalg.solve(seen.T @ seen + 0.05 * np.eye(width + 1), seen.T @ (np.eye(10)[y] * 4))
    return _model(first, second, solved[:-1].astype(np.float32), solved[-1].astype(np.float32))


def examples(rows: int | None = None, *, labels: bool = True) -> bytes:
    """An npz file of digits that the net was not trained on."""
    _, (x, y) = digits()
    file = BytesIO()
    np.savez(file, image=x[:rows], **({"labels": y[:rows]} if labels else {}))
    return file.getvalue()


def _model(first: np.ndarray, second: np.ndarray, head: np.ndarray, bias: np.ndarray) -> bytes:
    weights = {"first": first, "second": second, "head": head, "bias": bias}
    nodes = [
        helper.make_node("Conv", ["image", "first"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "second"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("MaxPool", ["d"], ["e"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["e"], ["f"]),
        helper.make_node("Gemm", ["f", "head", "bias"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", head.shape[1]])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())

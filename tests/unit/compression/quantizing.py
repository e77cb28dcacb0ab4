"""Small graphs, and work on them, for the passes that clean, quantize and reduce."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from aimass.compression.contract import Rows, Work
from aimass.compression.model_file import Answers, answers_of
from aimass.compression.profile import profile_of

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
Array = Any


def value(name: str, shape: Sequence[int | str] | None, kind: int = FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def model(
    nodes: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], weights: Mapping[str, Array], opset: int = 17
) -> Any:
    tensors = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(list(nodes), "small", list(inputs), list(outputs), tensors)
    domains = [helper.make_opsetid("", opset)]
    if any(node.domain == "ai.onnx.ml" for node in nodes):
        domains.append(helper.make_opsetid("ai.onnx.ml", 3))
    return helper.make_model(graph, opset_imports=domains, ir_version=9)


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> Array:
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


def work(folder: Path, made: Any, rows: Rows | None = None) -> Work:
    source, inner = folder / "source.onnx", folder / "inner"
    inner.mkdir(exist_ok=True)
    onnx.save(made, source)
    return Work(source, folder / "target.onnx", source, inner, rows or Rows(), profile_of(source))


def both(done: Work) -> tuple[Answers, Answers]:
    """What the original and the result answer to the rows."""
    return answers_of(done.original, done.rows), answers_of(done.target, done.rows)


def operators(path: Path) -> list[str]:
    return [node.op_type for node in onnx.load(path).graph.node]


def images() -> tuple[Any, Rows]:
    """Conv, BatchNormalization, Relu, a residual Add, pooling and a Gemm; 64 pictures of 3 x 12 x 12."""
    weights = {
        "w1": normal(32, 3, 3, 3, seed=1, scale=0.3),
        "b1": normal(32, seed=2, scale=0.1),
        "w2": normal(32, 32, 3, 3, seed=3, scale=0.08),
        "w3": normal(10, 32, seed=4, scale=0.2),
        "b3": normal(10, seed=5),
        "scale": 1 + normal(32, seed=6, scale=0.1),
        "shift": normal(32, seed=7, scale=0.1),
        "mean": normal(32, seed=8, scale=0.1),
        "variance": 1 + np.abs(normal(32, seed=9, scale=0.1)),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c1", "scale", "shift", "mean", "variance"], ["n1"]),
        helper.make_node("Relu", ["n1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["c2", "r1"], ["a2"]),
        helper.make_node("GlobalAveragePool", ["a2"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["y"], transB=1),
    ]
    made = model(nodes, [value("x", ["n", 3, 12, 12])], [value("y", ["n", 10])], weights)
    return made, Rows({"x": normal(64, 3, 12, 12, seed=10)}, batch=16)


def words(width: int = 64) -> tuple[Any, Rows]:
    """An embedding, two products, one of them through a Gemm with its matrix turned; 64 rows of 6 words."""
    weights = {
        "table": normal(400, width, seed=1),
        "w1": normal(width, 128, seed=2, scale=0.1),
        "b1": normal(128, seed=3),
        "w2": normal(8, 128, seed=4, scale=0.1),
        "b2": normal(8, seed=5),
    }
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["e"], "look-up"),
        helper.make_node("MatMul", ["e", "w1"], ["m1"], "first"),
        helper.make_node("Add", ["m1", "b1"], ["s1"]),
        helper.make_node("Relu", ["s1"], ["r1"]),
        helper.make_node("ReduceMean", ["r1"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("Gemm", ["mean", "w2", "b2"], ["y"], "second", transB=1),
    ]
    made = model(nodes, [value("ids", ["n", "words"], INT64)], [value("y", ["n", 8])], weights)
    ids = np.random.default_rng(6).integers(0, 400, (64, 6))
    return made, Rows({"ids": ids}, batch=16)


def classifier_of_trees(
    count: int, *, hitrates: bool = True, seed: int = 0, labels: int = 3, depth: int = 3
) -> tuple[Any, Rows]:
    """Full trees over 4 features; each leaf holds a weight for each label, all but one of them zero."""
    random = np.random.default_rng(seed)
    lists: dict[str, list[Any]] = {}

    def put(**entries: Any) -> None:
        for name, entry in entries.items():
            lists.setdefault(name, []).append(entry)

    for tree in range(count):
        for node in range(2**depth - 1):
            put(
                nodes_treeids=tree, nodes_nodeids=node, nodes_featureids=int(random.integers(4)),
                nodes_modes="BRANCH_LEQ", nodes_values=float(np.float32(random.normal())),
                nodes_truenodeids=2 * node + 1, nodes_falsenodeids=2 * node + 2,
            )  # fmt: skip
        for node in range(2**depth - 1, 2 ** (depth + 1) - 1):
            put(
                nodes_treeids=tree, nodes_nodeids=node, nodes_featureids=0, nodes_modes="LEAF", nodes_values=0.0,
                nodes_truenodeids=0, nodes_falsenodeids=0,
            )  # fmt: skip
            right = int(random.integers(labels))
            for label in range(labels):
                weight = float(np.float32(1 / count)) if label == right else 0.0
                put(class_treeids=tree, class_nodeids=node, class_ids=label, class_weights=weight)
    if hitrates:
        lists["nodes_hitrates"] = [1.0] * len(lists["nodes_treeids"])
        lists["nodes_missing_value_tracks_true"] = [0] * len(lists["nodes_treeids"])
    trees = helper.make_node(
        "TreeEnsembleClassifier", ["x"], ["label", "scores"], "trees", domain="ai.onnx.ml",
        classlabels_int64s=list(range(labels)), post_transform="NONE", **lists,
    )  # fmt: skip
    made = model([trees], [value("x", ["n", 4])], [value("label", ["n"], INT64), value("scores", ["n", labels])], {})
    return made, Rows({"x": normal(256, 4, seed=seed + 1)}, batch=64)

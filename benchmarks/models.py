"""Models made up for the benchmarks: `y = x @ w` with weights of any size."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

COLUMNS = 1024


def tiny(scale: float) -> bytes:
    """`x` of 4 to `y` of 3, all weights `scale`."""
    weights = numpy_helper.from_array(np.full((4, 3), scale, np.float32), "w")
    return _model([("x", 4), ("y", 3)], [weights])


def one_file(size: int, seed: int) -> bytes:
    """About `size` bytes, below 2 GB as a protobuf message must be."""
    rows = size // (4 * COLUMNS)
    weights = np.random.default_rng(seed).standard_normal((rows, COLUMNS), np.float32)
    return _model([("x", rows), ("y", COLUMNS)], [numpy_helper.from_array(weights, "w")])


def with_external_data(size: int, seed: int, target: Path) -> None:
    """A tar, not compressed, of `model.onnx` and about `size` bytes of weights beside it, written in pieces."""
    rows = size // (4 * COLUMNS)
    external = TensorProto(
        name="w", data_type=TensorProto.FLOAT, dims=[rows, COLUMNS], data_location=TensorProto.EXTERNAL
    )
    for key, value in {"location": "weights.bin", "offset": "0", "length": str(rows * COLUMNS * 4)}.items():
        entry = external.external_data.add()
        entry.key, entry.value = key, value
    weights = target.with_suffix(".weights")
    random = np.random.default_rng(seed)
    with weights.open("wb") as file:
        for first in range(0, rows, 4096):
            random.standard_normal((min(4096, rows - first), COLUMNS), np.float32).tofile(file)
    with tarfile.open(target, "w") as archive:
        model = _model([("x", rows), ("y", COLUMNS)], [external])
        entry = tarfile.TarInfo("model.onnx")
        entry.size = len(model)
        archive.addfile(entry, io.BytesIO(model))
        archive.add(weights, "weights.bin")
    weights.unlink()


def _model(sizes: list[tuple[str, int]], weights: list[TensorProto]) -> bytes:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size]) for name, size in sizes]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "linear", values[:1], values[1:], weights
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    text: bytes = model.SerializeToString()
    return text

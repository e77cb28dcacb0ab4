"""What is known of a graph without running it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx

from aimass.compression.contract import Kind, Profile
from aimass.compression.model_file import file_bytes, graphs, graphs_within, nodes, opset

_KNOWN_DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"}
_CONVOLUTIONS = {"Conv", "ConvTranspose"}
_PRODUCTS = {"MatMul", "Gemm", "Attention", "FusedMatMul", "FusedGemm", "Einsum"}
_RECURRENT = {"LSTM", "GRU", "RNN", "Scan", "DynamicQuantizeLSTM"}
_TREES = {"TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor"}
_QUANTIZED = {
    *("DequantizeLinear", "QuantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"),
    "GatherBlockQuantized",
}
# A convolution reads each of its weights at many places, so a few of them are most of the work.
_PLACES = 50


def profile_of(path: Path) -> Profile:
    """Raises whatever onnx does for a file that is no model; external data is not read."""
    model = onnx.load(path, load_external_data=False)
    operators = Counter(node.op_type for node in nodes(model))
    weights = _weights(model)
    return Profile(
        kind=_kind(operators, weights),
        nodes=dict(sorted(operators.items())),
        weights=dict(sorted(weights.items())),
        size=file_bytes(path),
        opset=opset(model),
        floats=any(tensor.data_type == onnx.TensorProto.FLOAT for tensor in _tensors(model)),
        locked=_locked(model),
    )


def _kind(operators: Counter[str], weights: Counter[str]) -> Kind:
    if _TREES & operators.keys():
        return "trees"
    if _RECURRENT & operators.keys():
        return "recurrent"
    convolved, multiplied = (sum(weights[name] for name in names) for names in (_CONVOLUTIONS, _PRODUCTS))
    if convolved * _PLACES > multiplied:
        return "convolution"
    return "matmul" if multiplied else "other"


def _tensors(model: Any) -> Iterator[Any]:
    for graph in graphs(model):
        yield from graph.initializer
    for node in nodes(model):
        yield from (attribute.t for attribute in node.attribute if attribute.HasField("t"))


def _weights(model: Any) -> Counter[str]:
    """Elements by the operator that reads them; a tree's are its attributes, a constant's the node's that reads it."""
    counted: Counter[str] = Counter()
    _count(model.graph, {}, counted)
    return +counted


def _count(graph: Any, outer: dict[str, int], counted: Counter[str]) -> None:
    known = outer | {tensor.name: math.prod(tensor.dims) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.output:
            known[node.output[0]] = sum(math.prod(one.t.dims) for one in node.attribute if one.HasField("t"))
            continue
        if node.op_type in _TREES:
            counted[node.op_type] += sum(_elements(attribute) for attribute in node.attribute)
        # Each weight counts where it is read first; who reads it again adds nothing to the file.
        counted[node.op_type] += sum(known.pop(name, 0) for name in node.input)
        for inner in graphs_within(node):
            _count(inner, known, counted)


def _elements(attribute: Any) -> int:
    tensor = int(math.prod(attribute.t.dims)) if attribute.HasField("t") else 0
    return max(len(attribute.floats), len(attribute.ints), len(attribute.strings), tensor)


def _locked(model: Any) -> str | None:
    """Why the model is to be left as it is, if so."""
    own = {function.domain for function in model.functions}
    for node in nodes(model):
        if node.domain not in _KNOWN_DOMAINS | own:
            training = "training" in node.domain
            return f"it has {'training operators' if training else 'operators that are not known'}: {node.domain[:60]}"
        name = node.op_type
        if (
            name in _QUANTIZED
            or name.startswith(("QLinear", "QAttention", "QGemm"))
            or name.endswith(("NBits", "Bnb4"))
        ):
            return f"it is quantized already: {name}"
    return None

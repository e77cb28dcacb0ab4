"""Weights of matrix products in eight bits, activations' ranges taken anew in every call: needs no rows.

Never for convolutions, whose kernels for it are four to ten times slower than floats, nor for recurrent networks, whose
state carries the error on (the AUC of a voice detector fell from 0.984 to 0.916). The graph is written here, not by
onnxruntime's `quantize_dynamic`: that one transposes the weight of a Gemm even where another node reads it too. What is
written are the operators that the runtime fuses into one. Weights keep to [-64, 64], as in `int8_static`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from aimass.compression.contract import Applied, Ask, NotApplicable, Options, Pass, Profile, Work
from aimass.compression.model_file import save
from aimass.compression.passes._products import OPERATORS, drop_unread, products, transposed
from aimass.compression.passes._quantizer import check, prepared, units
from aimass.compression.passes._tables import pack_tables, tables

_LEAST_WEIGHTS = 8_192
_LEVELS = 64
# Of a model's weights, the share in tables from which their bits matter.
_TABLES = 0.2


def propose(profile: Profile, ask: Ask) -> Sequence[Options]:
    if profile.locked or not profile.floats or ask.target != "lambda-x86" or profile.kind != "matmul":
        return ()
    if sum(profile.weights.get(name, 0) for name in OPERATORS) < _LEAST_WEIGHTS:
        return ()
    eight = {"name": "int8-dynamic", "gain": [3.9, 2.7]}
    looked_up = profile.weights.get("Gather", 0) / max(1, sum(profile.weights.values()))
    return (
        (eight, {"name": "int8-dynamic-tables4", "gain": [5.0, 2.7], "tables": 4}) if looked_up >= _TABLES else (eight,)
    )


def apply(work: Work, options: Options) -> Applied:
    if work.profile.kind == "recurrent":
        raise NotApplicable("the state of a recurrent network carries the error on")
    model, _ = prepared(work)
    spared = set(options.get("spare", ()))
    layers, lookups = products(model), tables(model)
    done = {name: size for name, size in (layers | lookups).items() if name not in spared}
    if not done:
        raise NotApplicable("there is no matrix product left to quantize")
    bits = dict.fromkeys(done, 8) | pack_tables(model, done.keys() & lookups.keys(), int(options.get("tables", 8)))
    _quantize(model, done.keys() & layers.keys())
    _keep_apart(model)
    save(model, work.target)
    check(work)
    notes = [f"{name}: {f'{bits[name]} bits' if name in done else 'left in 32 bits'}" for name in layers | lookups]
    return Applied(units(done, sum(work.profile.weights.values())), notes)


def _quantize(model: Any, names: set[str]) -> None:
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes: list[Any] = []
    scaled: set[str] = set()
    packed: dict[tuple[str, bool], str] = {}
    for node in model.graph.node:
        if node.name not in names:
            nodes.append(node)
            continue
        value = node.input[0]
        if value not in scaled:
            scaled.add(value)
            parts = [f"{value}/{part}" for part in ("values8", "scale8", "zero8")]
            nodes.append(helper.make_node("DynamicQuantizeLinear", [value], parts, f"{value}/quantize8"))
        turned = transposed(node)
        key = (node.input[1], turned)
        if key not in packed:
            packed[key] = f"{node.input[1]}{'/transposed' if turned else ''}"
            matrix = numpy_helper.to_array(weights[node.input[1]])
            model.graph.initializer.extend(_packed(packed[key], matrix.T if turned else matrix))
        nodes += _product(node, value, packed[key])
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    drop_unread(model, {key[0] for key in packed})


def _keep_apart(model: Any) -> None:
    """Additions before a LayerNormalization become sums, which are the same and which the runtime fuses with nothing.

    What it would fuse them into, SkipLayerNormalization, takes five times as long as both: a seventh of a call.
    """
    constants = {tensor.name for tensor in model.graph.initializer}
    adds = {node.output[0]: node for node in model.graph.node if node.op_type == "Add" and node.domain == ""}
    for node in model.graph.node:
        added = adds.get(node.input[0]) if node.op_type == "LayerNormalization" else None
        if added is not None and not constants & set(added.input):
            added.op_type = "Sum"


def _packed(name: str, matrix: Any) -> list[Any]:
    """A matrix as int8 with a scale for each column."""
    largest = np.abs(matrix).max(axis=0)
    scales = np.where(largest > 0, largest / _LEVELS, 1).astype(np.float32)
    whole = np.clip(np.rint(matrix / scales), -_LEVELS, _LEVELS).astype(np.int8)
    zeros = np.zeros(scales.shape, np.int8)
    arrays = {"weights8": np.ascontiguousarray(whole), "scales8": scales, "zeros8": zeros}
    return [numpy_helper.from_array(array, f"{name}/{part}") for part, array in arrays.items()]


def _product(node: Any, value: str, weight: str) -> list[Any]:
    output = node.output[0]
    bias = node.input[2] if len(node.input) > 2 else ""
    product = f"{output}/product" if bias else output
    integers = [f"{value}/values8", f"{weight}/weights8", f"{value}/zero8", f"{weight}/zeros8"]
    made = [
        helper.make_node("MatMulInteger", integers, [f"{output}/sums"], f"{node.name}/integers"),
        helper.make_node("Cast", [f"{output}/sums"], [f"{output}/floats"], f"{node.name}/floats", to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{value}/scale8", f"{weight}/scales8"], [f"{output}/scale"], f"{node.name}/scale"),
        helper.make_node("Mul", [f"{output}/floats", f"{output}/scale"], [product], node.name),
    ]
    return [*made, helper.make_node("Add", [product, bias], [output], f"{node.name}/bias")] if bias else made


PASS = Pass(name="int8_dynamic", stage="quantize", methods=("int8",), propose=propose, apply=apply)

"""Weights and activations in eight bits, the activations' ranges taken from rows beforehand.

Weights keep to seven of the eight bits (`reduce_range`): without VNNI, processors add pairs of products in sixteen bits
that saturate, so that answers would differ between processors.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.calibrate import CalibrationMethod, TensorData, TensorsData, save_tensors_data

from aimass.compression.contract import Applied, Ask, NotApplicable, Options, Pass, Profile, Work
from aimass.compression.graph.reading import attributes
from aimass.compression.model_file import load, save
from aimass.compression.passes._quantizer import check, members, prepared, quiet, run_quantizer, units, weighted
from aimass.compression.passes._ranges import digest, extremes, float_tensors, percentiles
from aimass.compression.passes._tables import pack_tables, tables

# Below this a model is all overhead, and eight bits make it slower.
_LEAST_WEIGHTS = 8_192
# A convolution over one channel with fewer products for a value, as the first over grey pictures is, is three times
# slower in eight bits.
_LEAST_PRODUCTS = 16
#: Operators that have eight-bit kernels which pay: what lies between two of them need not go back to floats.
_BETWEEN_CONVOLUTIONS = (
    *("Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "Mul", "Relu", "Clip", "LeakyRelu", "Sigmoid", "MaxPool"),
    *("GlobalAveragePool", "AveragePool", "Concat", "Split", "Pad", "Resize", "Reshape", "Transpose", "Squeeze"),
    *("Unsqueeze", "Flatten", "Slice"),
)
#: In transformers what lies between is norms and softmax, which lose by it; activations by activations gain little.
_BETWEEN_PRODUCTS = ("MatMul", "Gemm", "Conv")


def propose(profile: Profile, ask: Ask) -> Sequence[Options]:
    if profile.locked or not profile.floats or ask.target != "lambda-x86" or not ask.rows:
        return ()
    weights = sum(profile.weights.get(name, 0) for name in ("Conv", "ConvTranspose", "Gemm", "MatMul"))
    if profile.kind not in ("convolution", "matmul") or weights < _LEAST_WEIGHTS:
        return ()
    percentile = {
        "name": "int8-percentile",
        "gain": [3.9, 2.7],
        "per_channel": True,
        "ranges": "percentile",
        "share": 0.9999,
    }
    if profile.kind == "matmul":  # a few values of a transformer are a hundred times the others
        return (percentile,)
    return (
        {"name": "int8", "gain": [3.9, 3.5], "per_channel": True, "ranges": "minmax"},
        {"name": "int8-tensor", "gain": [3.9, 3.5], "per_channel": False, "ranges": "minmax"},
        percentile,
    )


def apply(work: Work, options: Options) -> Applied:
    model, shaped = prepared(work)
    operators = _BETWEEN_CONVOLUTIONS if work.profile.kind == "convolution" else _BETWEEN_PRODUCTS
    layers, lookups = weighted(model), tables(model)
    spared = set(options.get("spare", ())) | _thin(model, layers)
    if not layers.keys() - spared:
        raise NotApplicable("there is no layer left to quantize")
    groups = members(model, layers)
    excluded = {name for layer in sorted(spared & groups.keys()) for name in groups[layer]}
    wanted = {node.name for node in model.graph.node if node.op_type in operators and node.domain == ""} - excluded
    tensors = float_tensors(model, wanted)
    ranges = _ranges(model, work, options, {node.name for node in model.graph.node if node.op_type in operators})
    wanted -= _touching(model, wanted, set(tensors) - ranges.keys())
    if not wanted & layers.keys():
        raise NotApplicable("no layer's values keep to a range that eight bits can span")
    cache = work.folder / "ranges.json"
    with quiet():
        save_tensors_data(TensorsData(CalibrationMethod.MinMax, ranges), cache)
    run_quantizer(
        quantize_static,
        shaped,
        work.target,
        calibration_data_reader=None,
        calibration_cache_path=cache,
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=bool(options["per_channel"]),
        reduce_range=True,
        op_types_to_quantize=list(operators),
        nodes_to_quantize=[node.name for node in model.graph.node if node.name in wanted],
        extra_options={
            "DefaultTensorType": 1,
            "ActivationSymmetric": False,
            "WeightSymmetric": True,
            "MatMulConstBOnly": work.profile.kind != "convolution",
        },
    )
    packed = lookups.keys() - spared
    if packed:
        model = load(work.target)
        pack_tables(model, packed)
        save(model, work.target)
    check(work)
    done = {name: size for name, size in (layers | lookups).items() if name in wanted | packed}
    notes = [f"{name}: {'8 bits' if name in done else 'left in 32 bits'}" for name in layers | lookups]
    return Applied(units(done, sum(work.profile.weights.values())), notes)


def _thin(model: Any, layers: Collection[str]) -> set[str]:
    """Convolutions that take one channel with a small kernel; depthwise ones have eight-bit kernels of their own."""
    dims = {tensor.name: tensor.dims for tensor in model.graph.initializer}
    return {
        node.name
        for node in model.graph.node
        if node.name in layers
        and node.op_type == "Conv"
        and (attributes(node).get("group", 1), dims[node.input[1]][1]) == (1, 1)
        and np.prod(dims[node.input[1]][1:]) < _LEAST_PRODUCTS
    }


def _ranges(model: Any, work: Work, options: Options, nodes: set[str]) -> dict[str, Any]:
    """Of all tensors, spared or not, so that the ranges can be used again while units are spared one by one."""
    how = (options["ranges"], options.get("share"))
    kept = work.folder / f"ranges-{digest(model, work.rows, how)}.json"
    if not kept.exists():
        seen = extremes(model, float_tensors(model, nodes), work.rows, work.folder)
        ranges = {name: (one.least, one.most) for name, one in seen.items()}
        if options["ranges"] == "percentile":
            ranges |= percentiles(model, seen, work.rows, work.folder, float(options["share"]))
        kept.write_text(json.dumps(ranges))
    return {
        name: TensorData(lowest=np.float32(low), highest=np.float32(high))
        for name, (low, high) in json.loads(kept.read_text()).items()
    }


def _touching(model: Any, nodes: set[str], tensors: set[str]) -> set[str]:
    """Those of the nodes that read or give one of the tensors."""
    return {node.name for node in model.graph.node if node.name in nodes and tensors & {*node.input, *node.output}}


PASS = Pass(name="int8_static", stage="quantize", methods=("int8",), propose=propose, apply=apply, rows=1)

"""Matrices in four or eight bits, blocks of 32 values with a scale each, unpacked within the product (MatMulNBits).

For decoders and encoders whose products read more memory than they compute: the answers stay near, and a product is
faster than in floats, slower than in integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from aimass.compression.contract import Applied, Ask, NotApplicable, Options, Pass, Profile, Work
from aimass.compression.model_file import save
from aimass.compression.passes._blocks import nearest, two_a_byte
from aimass.compression.passes._products import drop_unread, products, transposed
from aimass.compression.passes._quantizer import check, prepared, units
from aimass.compression.passes._tables import pack_tables, tables

_LEAST_WEIGHTS, _READS_MORE_THAN_IT_COMPUTES = 65_536, 50_000_000
_DOMAIN = "com.microsoft"
_BLOCK = 32


def propose(profile: Profile, ask: Ask) -> Sequence[Options]:
    if profile.locked or not profile.floats or profile.kind != "matmul":
        return ()
    weights = sum(profile.weights.get(name, 0) for name in ("MatMul", "Gemm"))
    if weights < _LEAST_WEIGHTS:
        return ()
    four = {"name": "int4-blocks", "gain": [6.0, 1.2], "methods": ["int4"], "bits": 4}
    # Below that, integers (`int8_dynamic`) are as near and faster.
    if weights < _READS_MORE_THAN_IT_COMPUTES:
        return (four,)
    return {"name": "int8-blocks", "gain": [3.5, 1.3], "methods": ["int8"], "bits": 8}, four


def apply(work: Work, options: Options) -> Applied:
    model, _ = prepared(work)
    bits, spared = int(options["bits"]), set(options.get("spare", ()))
    layers, lookups = products(model), tables(model)
    done = {name: size for name, size in (layers | lookups).items() if name not in spared}
    if not done.keys() & layers.keys():
        raise NotApplicable("there is no matrix product left to store in blocks")
    pack_tables(model, done.keys() & lookups.keys())
    _rewrite(model, done.keys() & layers.keys(), bits)
    if all(entry.domain != _DOMAIN for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid(_DOMAIN, 1))
    save(model, work.target)
    check(work)
    said = {name: f"{bits if name in layers else 8} bits" for name in done}
    notes = [f"{name}: {said.get(name, 'left in 32 bits')}" for name in layers | lookups]
    return Applied(units(done, sum(work.profile.weights.values())), notes)


def _rewrite(model: Any, names: set[str], bits: int) -> None:
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    packed: set[str] = set()
    nodes = []
    for node in model.graph.node:
        if node.name not in names:
            nodes.append(node)
            continue
        weight = node.input[1]
        matrix = numpy_helper.to_array(weights[weight])
        columns = matrix if transposed(node) else matrix.T  # [outputs, inputs]
        prefix = f"{weight}/{'rows' if transposed(node) else 'columns'}{bits}"
        if prefix not in packed:
            packed.add(prefix)
            model.graph.initializer.extend(_packed(prefix, columns, bits))
        nodes += _product(node, prefix, columns.shape, bits)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    drop_unread(model, weights.keys())


def _product(node: Any, prefix: str, shape: tuple[int, int], bits: int) -> list[Any]:
    output = node.output[0]
    bias = node.input[2] if len(node.input) > 2 else ""
    product = f"{output}/product" if bias else output
    made = helper.make_node(
        "MatMulNBits",
        [node.input[0], f"{prefix}/blocks", f"{prefix}/scales"],
        [product],
        node.name,
        domain=_DOMAIN,
        **{"K": shape[1], "N": shape[0], "bits": bits, "block_size": _BLOCK, "accuracy_level": 4},
    )
    return [made, helper.make_node("Add", [product, bias], [output], f"{node.name}/bias")] if bias else [made]


def _packed(prefix: str, columns: Any, bits: int) -> list[Any]:
    """uint8 [N, blocks, 32 * bits / 8] around the middle of the range, float32 [N * blocks]."""
    outputs, inputs = columns.shape
    blocks = -(-inputs // _BLOCK)
    padded = np.zeros((outputs, blocks * _BLOCK), np.float32)
    padded[:, :inputs] = columns
    whole, scales = nearest(padded.reshape(outputs, blocks, _BLOCK), bits)
    if bits == 4:
        whole = two_a_byte(whole)
    return [
        numpy_helper.from_array(np.ascontiguousarray(whole), f"{prefix}/blocks"),
        numpy_helper.from_array(scales.reshape(-1), f"{prefix}/scales"),
    ]


PASS = Pass(name="matmul_nbits", stage="quantize", methods=("int8", "int4"), propose=propose, apply=apply)

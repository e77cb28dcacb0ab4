"""A model raised to a later opset: channels of their own scale need 13, and exporters of today are at 17 and more."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import version_converter

from aimass.compression.contract import NotApplicable
from aimass.compression.model_file import graphs, nodes, opset, refused, weight_bytes

LEAST, LEAST_IR = 13, 8
# The converter holds the model three times over.
_MOST_BYTES = 500_000_000
# The converter's rules for these lose attributes or inputs that are not constants.
_UNSAFE = {"Upsample", "Loop", "Scan", "If"}


def raised(model: Any) -> Any:
    """At opset 13 at least. Raises NotApplicable where the converter cannot be trusted with it."""
    if not opset(model) or opset(model) >= LEAST:
        return model
    found = {node.op_type for node in nodes(model)} & _UNSAFE
    if found or model.functions or weight_bytes(model) > _MOST_BYTES:
        raise NotApplicable(
            f"opset {opset(model)} cannot be raised safely{': ' + ', '.join(sorted(found)) if found else ''}"
        )
    kept = [(entry.domain, entry.version) for entry in model.opset_import if entry.domain not in ("", "ai.onnx")]
    metadata, ir = list(model.metadata_props), max(model.ir_version, LEAST_IR)
    with refused(f"opset {opset(model)} cannot be raised"):
        converted = version_converter.convert_version(model, LEAST)
    present = {entry.domain for entry in converted.opset_import}
    for domain, version in kept:
        if domain not in present:
            converted.opset_import.append(onnx.helper.make_opsetid(domain, version))
    converted.ir_version = ir
    if not converted.metadata_props:
        converted.metadata_props.extend(metadata)
    if any(graph.sparse_initializer for graph in graphs(converted)):
        raise NotApplicable("sparse weights")
    return converted

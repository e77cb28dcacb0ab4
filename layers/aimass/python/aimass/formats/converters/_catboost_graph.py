"""The ONNX model that CatBoost writes, repaired."""

from __future__ import annotations

from typing import Any

from aimass.formats.converters._ensemble_graph import INPUT, IR, ML_OPSET, OPSET


def repair(graph: Any, columns: int, classes: int, *, exponent: bool) -> None:
    """Scores as a table and not as maps, dimensions as they are, and versions that say what is used."""
    from onnx import TensorProto, helper

    body = graph.graph
    maps = [node for node in body.node if node.op_type == "ZipMap"]
    for node in maps:
        body.node.remove(node)
        _rename(body, node.input[0], "probabilities")
    del body.input[:]
    _rename(body, "features", INPUT)
    body.input.append(helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["N", columns]))
    first = body.output[0]
    del body.output[:]
    if maps:
        kind = first.type.tensor_type.elem_type
        body.output.append(helper.make_tensor_value_info("label", kind, ["N"]))
        body.output.append(helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", classes]))
        _rename(body, first.name, "label")
    else:
        _rename(body, first.name, "exponent" if exponent else "variable")
        if exponent:
            body.node.append(helper.make_node("Exp", ["exponent"], ["variable"]))
        body.output.append(helper.make_tensor_value_info("variable", TensorProto.FLOAT, ["N", 1]))
    body.name, graph.doc_string = "trees", ""
    del graph.metadata_props[:]  # when it was trained, and by which build
    del graph.opset_import[:]
    graph.opset_import.extend([helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)])
    graph.ir_version = IR


def each_by_itself(body: Any) -> None:
    """CatBoost writes a softmax for classes of which each has a probability of its own."""
    for node in body.node:
        for attribute in node.attribute:
            if attribute.name == "post_transform":
                attribute.s = b"LOGISTIC"


def _rename(body: Any, old: str, new: str) -> None:
    for node in body.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == old:
                    names[index] = new

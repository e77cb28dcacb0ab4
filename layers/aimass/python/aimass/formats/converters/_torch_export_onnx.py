"""A program of torch.export written as ONNX, or refused for what no ONNX model can be."""

from __future__ import annotations

import io
from typing import Any

from aimass.domain.errors import ConversionFailed
from aimass.formats.converters._torch_onnx import OPSET
from aimass.formats.member import shown

_REMEDY = "export it with torch.onnx.export(program, dynamo=True) where it was trained"
# Operators with an argument that says whether they are training, by its place.
_TRAINING = {"aten::dropout": 2, "aten::batch_norm": 5, "aten::feature_dropout": 2, "aten::alpha_dropout": 2}


def exported(program: Any) -> Any:
    """The ONNX model. Raises ConversionFailed."""
    _check_evaluating(program)
    _check_types(program)
    return _exported(program)


def _exported(program: Any) -> Any:
    """The ONNX model by torch's newer exporter; where that can't, by the older one."""
    import torch

    try:
        return torch.onnx.export(program, dynamo=True, verbose=False, opset_version=OPSET).model_proto
    except torch.onnx.OnnxExporterError as error:
        reason = _words(error)
    try:
        return _traced(program)
    except Exception:  # the first reason is the one to tell: the older exporter knows fewer operators
        raise ConversionFailed(f"torch.onnx can't write the program as ONNX: {reason}; {_REMEDY}") from None


def _traced(program: Any) -> Any:
    """By the exporter that follows one call, with its example inputs."""
    import onnx
    import torch

    arguments, named = program.example_inputs
    if named:
        raise ValueError("this exporter takes inputs by place")
    names = program.graph_signature.user_inputs
    shapes = {node.name: node.meta["val"].shape for node in program.graph.nodes if node.name in names}
    axes = {name: [axis for axis, size in enumerate(shapes[name]) if not isinstance(size, int)] for name in names}
    body = io.BytesIO()
    module = program.module(check_guards=False)
    torch.onnx.export(module, arguments, body, dynamo=False, opset_version=OPSET, input_names=names, dynamic_axes=axes)
    return onnx.load_from_string(body.getvalue())


def _words(error: Exception) -> str:
    """The innermost reason, without the stack of what led to it."""
    while error.__cause__ is not None and isinstance(error.__cause__, Exception):
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return shown(" ".join(lines[:2]) or type(error).__name__)


def _check_evaluating(program: Any) -> None:
    """Raises ConversionFailed for a program of a module in training, which answers by chance."""
    for node in program.graph.nodes:
        place = _TRAINING.get(getattr(getattr(node.target, "_schema", None), "name", ""))
        if place is not None and len(node.args) > place and node.args[place] is True:
            text = "the program was exported while it trained: its answers change from call to call"
            raise ConversionFailed(f"{text}; call model.eval() before torch.export.export", operator=str(node.target))


def _check_types(program: Any) -> None:
    """Raises ConversionFailed for what ONNX models don't answer, or the runtime doesn't compute on a CPU."""
    import torch

    if others := [one for one in program.graph_signature.user_outputs if one is not None and not isinstance(one, str)]:
        raise ConversionFailed(f"the program answers {shown(str(others))} beside its tensors: answer tensors alone")
    if any(tensor.dtype == torch.bfloat16 for tensor in program.state_dict.values()):
        text = "the program computes in bfloat16, which the runtime does on no CPU"
        raise ConversionFailed(f"{text}; call model.float() before torch.export.export")

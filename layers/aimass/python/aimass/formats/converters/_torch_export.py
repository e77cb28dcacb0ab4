"""A program of torch.export, opened."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aimass.domain.errors import ConversionFailed
from aimass.formats.converter import Candidate, Converted, Wanted
from aimass.formats.converters._torch_cpu import on_cpu
from aimass.formats.converters._torch_onnx import OPSET, arrays_of, finished, numpy_name, tensors_of
from aimass.formats.member import shown

_REMEDY = "export it with torch.onnx.export(program, dynamo=True) where it was trained"
# Operators with an argument that says whether they are training, by its place.
_TRAINING = {"aten::dropout": 2, "aten::batch_norm": 5, "aten::feature_dropout": 2, "aten::alpha_dropout": 2}


class Exported:
    """A torch.export.ExportedProgram."""

    def __init__(self, program: Any) -> None:
        self._program = program
        self._call = program.module()
        placeholders = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
        self._inputs = {
            name: placeholders[name] for name in program.graph_signature.user_inputs if name in placeholders
        }
        self._given = _given(program)
        self._outputs: tuple[str, ...] = ()

    @property
    def wanted(self) -> Sequence[Wanted]:
        return [self._wanted(name, node) for name, node in self._inputs.items() if _is_tensor(node)]

    def convert(self, folder: Path) -> Converted:
        _check_evaluating(self._program)
        _check_types(self._program)
        self._outputs = _output_names(self._program)
        files = finished(_exported(self._program), folder, self._outputs)
        return Converted(files[0], files, "PyTorch", notes=_notes(self.wanted))

    def run(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        import torch
        from torch.utils import _pytree

        names = [one.name for one in self.wanted]
        tensors = dict(zip(names, tensors_of(inputs, names), strict=True))
        leaves = [
            tensors.get(name, constant)
            for name, constant in zip(
                _user_names(self._program), self._program.graph_signature.user_inputs, strict=True
            )
        ]
        arguments, named = _pytree.tree_unflatten(leaves, self._program.call_spec.in_spec)
        with torch.inference_mode():
            return arrays_of(self._call(*arguments, **named), self._outputs)

    def _wanted(self, name: str, node: Any) -> Wanted:
        tensor = node.meta["val"]
        shape = tuple(size if isinstance(size, int) else -1 for size in tensor.shape)
        low, high = _range(node, self._given.get(name), self._program)
        return Wanted(name, numpy_name(tensor.dtype), shape, low, high)


def open_program(folder: Path, candidate: Candidate) -> Exported:
    import torch

    with (folder / candidate.main).open("rb") as file, on_cpu():
        return Exported(torch.export.load(file))


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


def _is_tensor(node: Any) -> bool:
    import torch

    return isinstance(node.meta.get("val"), torch.Tensor)


def _user_names(program: Any) -> list[str]:
    """The names of the inputs in order; of one that is a constant, and so no input of the graph, its placeholder's."""
    return [str(spec.arg.name) for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"]


def _output_names(program: Any) -> tuple[str, ...]:
    """By the keys that the module answers under; `output` or `output_<n>` where it answers without."""
    import torch
    from torch.utils import _pytree

    spec = program.call_spec.out_spec
    paths, _ = _pytree.tree_flatten_with_path(_pytree.tree_unflatten([0] * spec.num_leaves, spec))
    values = {node.name: node.meta.get("val") for node in program.graph.nodes}
    answered = [
        path
        for (path, _), name in zip(paths, program.graph_signature.user_outputs, strict=True)
        if isinstance(name, str) and isinstance(values.get(name), torch.Tensor)
    ]
    named = [
        "_".join(str(getattr(key, "key", getattr(key, "name", getattr(key, "idx", "")))) for key in path)
        for path in answered
    ]
    taken = {node.name for node in program.graph.nodes}
    plain = ["output"] if len(named) == 1 else [f"output_{index}" for index in range(len(named))]
    return tuple(
        own if own and not own.isdigit() and named.count(own) == 1 and own not in taken else fallback
        for own, fallback in zip(named, plain, strict=True)
    )


def _given(program: Any) -> dict[str, Any]:
    """The example inputs that the program was exported with, by name."""
    from torch.utils import _pytree

    leaves = _pytree.tree_leaves(program.example_inputs) if program.example_inputs else []
    names = _user_names(program)
    return dict(zip(names, leaves, strict=True)) if len(names) == len(leaves) else {}


def _range(node: Any, example: Any, program: Any) -> tuple[float, float]:
    """From the least to the largest value of its example; a table's rows for what looks up in one."""
    import torch

    rows = [size for user in node.users if (size := _rows(user, program)) is not None]
    if rows:
        return 0.0, float(min(rows) - 1)
    whole = not node.meta["val"].dtype.is_floating_point
    if isinstance(example, torch.Tensor) and example.numel() and not example.is_complex():
        low, high = float(example.min()), float(example.max())
        return (low, high) if whole else (min(low, -1.0), max(high, 1.0))
    return (0.0, 1.0) if whole else (-1.0, 1.0)


def _rows(user: Any, program: Any) -> int | None:
    """How many rows an embedding has that a node looks up in."""
    if getattr(getattr(user.target, "_schema", None), "name", "") != "aten::embedding":
        return None
    return int(user.args[0].meta["val"].shape[0])


def _notes(wanted: Sequence[Wanted]) -> tuple[str, ...]:
    sizes = [one.shape[0] for one in wanted if one.shape]
    if not sizes or min(sizes) < 0:
        return ()
    return (f"exported for batches of {sizes[0]} alone; torch.export.export takes dynamic_shapes for other sizes",)

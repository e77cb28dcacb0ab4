"""A module of TorchScript written as ONNX, with as many variable dimensions as the ONNX model has right."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aimass.domain.errors import ConversionFailed
from aimass.formats.converters._torch_onnx import MAIN, arrays_of, finished
from aimass.formats.converters._torchscript_axes import Variable, variable_axes
from aimass.formats.member import shown

REMEDY = "export the module that it was made from with torch.onnx.export"
_OPSET = 17
_CLOSE = 1e-3  # of the quick look at which dimensions can be variable; the replay judges


@dataclass(frozen=True)
class Called:
    """A module, how it is called, and tensors that it takes; `masks` are inputs that hide parts of a row."""

    module: Any
    call: Callable[[list[Any]], list[Any]]
    inputs: Sequence[str]
    outputs: Sequence[str]
    example: list[Any]
    masks: frozenset[str]

    def masked(self) -> list[Any]:
        """The example with the second half of each row hidden, where it has masks."""
        masked = [tensor.clone() for tensor in self.example]
        for name, tensor in zip(self.inputs, masked, strict=True):
            if name in self.masks and tensor.dim() > 1 and not tensor.is_floating_point():
                tensor[..., tensor.shape[-1] // 2 + 1 :] = 0
        return masked


def written(called: Called, folder: Path) -> tuple[tuple[str, ...], Variable]:
    """The files, by torch's older exporter or, where that can't, by the newer; and what in them is variable.

    Raises ConversionFailed.
    """
    words = ""
    found = [*variable_axes(called.call, called.example, called.inputs, called.outputs)]
    for export, variable in [*((_exported, one) for one in found), (_exported_by_newer, found[0])]:
        try:
            files = finished(export(called, variable), folder, called.outputs)
        except Exception as error:  # torch's own kinds, whose words are the reason
            words = words or shown(next((line for line in str(error).splitlines() if line.strip()), str(error)))
            continue
        if _agrees(folder / MAIN, called, variable):
            return files, variable
        words = words or "the ONNX model answers otherwise"
        for name in files:
            (folder / name).unlink()
    raise ConversionFailed(f"torch.onnx can't write the module as ONNX: {words}; {REMEDY}")


def _exported(called: Called, variable: Variable) -> Any:
    import onnx
    import torch

    body = io.BytesIO()
    torch.onnx.export(
        called.module,
        tuple(called.example),
        body,
        dynamo=False,
        opset_version=_OPSET,
        input_names=[*called.inputs],
        output_names=[*called.outputs],
        dynamic_axes=variable.axes,
    )
    return onnx.load_from_string(body.getvalue())


def _exported_by_newer(called: Called, _: Variable) -> Any:
    """By way of a program of torch.export, whose dimensions are all variable that can be."""
    import torch
    from torch._export.converter import TS2EPConverter

    program = TS2EPConverter(called.module, tuple(called.example)).convert()
    return torch.onnx.export(program, dynamo=True, verbose=False, input_names=[*called.inputs]).model_proto


def _agrees(path: Path, called: Called, variable: Variable) -> bool:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for tensors in (called.example, called.masked(), *variable.tried):
        feed = {name: tensor.numpy() for name, tensor in zip(called.inputs, tensors, strict=True)}
        wanted = arrays_of(called.call(tensors), called.outputs)
        with suppress(Exception):  # onnxruntime's own kinds: a graph that refuses its inputs agrees with nothing
            got = dict(zip(called.outputs, session.run([*called.outputs], feed), strict=True))
            if all(_close(got[name], wanted[name]) for name in called.outputs):
                continue
        return False
    return True


def _close(got: Any, wanted: Any) -> bool:
    if got.shape != wanted.shape:
        return False
    most = _CLOSE * float(np.max(np.abs(wanted), initial=1e-30))
    return bool(np.allclose(got, wanted, rtol=_CLOSE, atol=most, equal_nan=True))

"""A program of torch.export, opened."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aimass.formats.converter import Candidate, Converted, Wanted
from aimass.formats.converters._torch_cpu import on_cpu
from aimass.formats.converters._torch_export_onnx import exported
from aimass.formats.converters._torch_export_signature import given_inputs, output_names, user_names, value_range
from aimass.formats.converters._torch_onnx import arrays_of, fed, finished, numpy_name

_PROGRAM = re.compile(r"(.*/)?(models/\w+|serialized_exported_program)\.json")
_VERSION = re.compile(rb'"torch_version"\s*:\s*"(\d[\w.+-]{0,30})"')


class Exported:
    """A torch.export.ExportedProgram."""

    def __init__(self, program: Any, framework: str) -> None:
        self._program, self._framework = program, framework
        self._call = program.module()
        placeholders = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
        self._inputs = {
            name: placeholders[name] for name in program.graph_signature.user_inputs if name in placeholders
        }
        self._given = given_inputs(program)
        self._outputs: tuple[str, ...] = ()

    @property
    def wanted(self) -> Sequence[Wanted]:
        return [self._wanted(name, node) for name, node in self._inputs.items() if _is_tensor(node)]

    def convert(self, folder: Path) -> Converted:
        model = exported(self._program)
        self._outputs = output_names(self._program)
        files = finished(model, folder, self._outputs)
        return Converted(files[0], files, self._framework, notes=_notes(self.wanted))

    def run(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        import torch
        from torch.utils import _pytree

        wanted = self.wanted
        tensors = dict(zip((one.name for one in wanted), fed(inputs, wanted), strict=True))
        leaves = [
            tensors.get(name, constant)
            for name, constant in zip(user_names(self._program), self._program.graph_signature.user_inputs, strict=True)
        ]
        arguments, named = _pytree.tree_unflatten(leaves, self._program.call_spec.in_spec)
        with torch.inference_mode():
            return arrays_of(self._call(*arguments, **named), self._outputs)

    def _wanted(self, name: str, node: Any) -> Wanted:
        tensor = node.meta["val"]
        shape = tuple(size if isinstance(size, int) else -1 for size in tensor.shape)
        low, high = value_range(node, self._given.get(name), self._program)
        return Wanted(name, numpy_name(tensor.dtype), shape, low, high)


def open_program(folder: Path, candidate: Candidate) -> Exported:
    import torch

    path = folder / candidate.main
    with path.open("rb") as file, on_cpu():
        return Exported(torch.export.load(file), _framework(path))


def _framework(path: Path) -> str:
    """`PyTorch`, with the version that exported the program where the file says it."""
    with zipfile.ZipFile(path) as archive:
        programs = [archive.read(name) for name in archive.namelist() if _PROGRAM.fullmatch(name)]
    found = next((match for program in programs if (match := _VERSION.search(program))), None)
    return f"PyTorch {found[1].decode()}" if found else "PyTorch"


def _is_tensor(node: Any) -> bool:
    import torch

    return isinstance(node.meta.get("val"), torch.Tensor)


def _notes(wanted: Sequence[Wanted]) -> tuple[str, ...]:
    sizes = [one.shape[0] for one in wanted if one.shape]
    if not sizes or min(sizes) < 0:
        return ()
    return (f"exported for batches of {sizes[0]} alone; torch.export.export takes dynamic_shapes for other sizes",)

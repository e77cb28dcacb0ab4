"""A module of TorchScript, opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from aimass.domain.errors import ConversionFailed, InvalidSample
from aimass.formats.converter import Candidate, Converted, Wanted
from aimass.formats.converters._torch_onnx import arrays_of, fed, numpy_name, tensors_of
from aimass.formats.converters._torchscript_axes import Variable
from aimass.formats.converters._torchscript_inputs import guessed_example, table_rows, traced_example
from aimass.formats.converters._torchscript_onnx import REMEDY, Called, written
from aimass.formats.member import shown


class Script:
    """A torch.jit.ScriptModule, set to answer; `trained` is whether it was saved in training mode."""

    def __init__(self, module: Any, path: Path, *, trained: bool = False) -> None:
        self._module, self._path, self._trained = module, path, trained
        self.names = _names(module)
        self._example: list[Any] | None = None
        self._variable = Variable({}, ())
        self._outputs: tuple[str, ...] = ()
        self._given = False
        self._rows = table_rows(module, self.names)

    @property
    def wanted(self) -> Sequence[Wanted]:
        return [self._wanted(name, tensor) for name, tensor in zip(self.names, self._example or [], strict=True)]

    def sampled(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes the shapes and types of its inputs from a sample. Raises InvalidSample."""
        import torch

        if missing := [name for name in self.names if name not in arrays]:
            raise InvalidSample(
                f"the sample lacks {', '.join(missing)}; it has {shown(str([*arrays]))}", missing=missing
            )
        if strange := [name for name in self.names if arrays[name].dtype.kind not in "biuf"]:
            raise InvalidSample(f"the sample's {', '.join(strange)} holds no numbers", inputs=strange)
        tensors = tensors_of(arrays, self.names)
        own = next((value.dtype for value in self._module.parameters() if value.is_floating_point()), torch.float32)
        self._example = [tensor.to(own) if tensor.is_floating_point() else tensor for tensor in tensors]
        self._given = True

    def convert(self, folder: Path) -> Converted:
        self._example = self._example or traced_example(self._path) or guessed_example(self._module, self.names)
        if len(self._example) != len(self.names):
            raise ConversionFailed(
                f"the module was traced with {len(self._example)} inputs and takes {self.names}; {REMEDY}"
            )
        self._check_steady(self._example)
        self._outputs = self._output_names(self._example)
        masks = frozenset(name for name in self.names if self._is_mask(name))
        called = Called(self._module, self._call, self.names, self._outputs, self._example, masks)
        files, self._variable = written(called, folder)
        return Converted(files[0], files, "PyTorch (TorchScript)", notes=self._notes())

    def run(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        return arrays_of(self._call(fed(inputs, self.wanted)), self._outputs)

    def _call(self, tensors: list[Any]) -> list[Any]:
        import torch
        from torch.utils import _pytree

        return [leaf for leaf in _pytree.tree_leaves(self._answer(tensors)) if isinstance(leaf, torch.Tensor)]

    def _answer(self, tensors: list[Any]) -> Any:
        import torch

        with torch.inference_mode():
            return self._module(*tensors)

    def _check_steady(self, example: list[Any]) -> None:
        """Raises InvalidSample if it refuses the example, ConversionFailed if its answers change from call to call."""
        import torch

        try:
            first, second = self._call(example), self._call(example)
        except RuntimeError as error:
            if not self._given:
                raise
            last = shown(str(error).strip().splitlines()[-1])
            raise InvalidSample(f"the module refuses the sample: {last}", inputs=self.names) from None
        if not all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(first, second, strict=True)):
            text = "its answers to the same inputs change from call to call"
            raise ConversionFailed(f"{text}; call model.eval() before torch.jit.trace or torch.jit.script")

    def _output_names(self, example: list[Any]) -> tuple[str, ...]:
        """Its keys where it answers a dictionary of tensors."""
        import torch

        answer = self._answer(example)
        if isinstance(answer, dict) and all(isinstance(one, torch.Tensor) for one in answer.values()):
            keys = [str(key) for key in answer]
            if all(key.isidentifier() for key in keys) and not {*keys} & {*self.names}:
                return tuple(keys)
        count = len(self._call(example))
        return ("output",) if count == 1 else tuple(f"output_{index}" for index in range(count))

    def _is_mask(self, name: str) -> bool:
        """A row that is hidden wholly has no answer: many a module says NaN, where the ONNX model has a number."""
        return "mask" in name.lower() and name not in self._rows

    def _wanted(self, name: str, tensor: Any) -> Wanted:
        variable = self._variable.of(name)
        shape = tuple(-1 if axis in variable else size for axis, size in enumerate(tensor.shape))
        if not tensor.is_floating_point():
            highest = float(tensor.max()) if self._given and tensor.numel() else self._rows.get(name, 2) - 1.0
            lowest = 1.0 if self._is_mask(name) and highest >= 1 else 0.0
            return Wanted(name, numpy_name(tensor.dtype), shape, lowest, highest)
        low, high = (float(tensor.min()), float(tensor.max())) if self._given and tensor.numel() else (-1.0, 1.0)
        return Wanted(name, numpy_name(tensor.dtype), shape, low, max(high, low + 1.0))

    def _notes(self) -> tuple[str, ...]:
        return (*self._mode_note(), *self._shapes_note())

    def _mode_note(self) -> tuple[str, ...]:
        """Of a scripted module: what a traced one does was decided as it was traced."""
        if not self._trained or traced_example(self._path):
            return ()
        return ("it was saved in training mode; original and ONNX model answer as model.eval() makes them",)

    def _shapes_note(self) -> tuple[str, ...]:
        if self._given:
            return ()
        shapes = ", ".join(
            f"{name} {list(one.shape)}" for name, one in zip(self.names, self._example or [], strict=True)
        )
        return (
            f"no sample came with it; the shapes of its inputs are those that it was traced with or that ran: {shapes}",
        )


def _names(module: Any) -> list[str]:
    """The inputs that it must be given. Raises ConversionFailed for one that is no tensor."""
    if not hasattr(module, "forward"):
        raise ConversionFailed(f"it has no one method `forward`; {REMEDY}")
    arguments = [one for one in module.forward.schema.arguments[1:] if not one.has_default_value()]
    if others := [f"{one.name}: {one.type}" for one in arguments if str(one.type) != "Tensor"]:
        raise ConversionFailed(f"it takes {shown(', '.join(others))}, and ONNX models take tensors; {REMEDY}")
    if not arguments:
        raise ConversionFailed(f"it takes no tensor; {REMEDY}")
    return [str(one.name) for one in arguments]


def open_module(folder: Path, candidate: Candidate) -> Script:
    import torch

    path = folder / candidate.main
    module = torch.jit.load(str(path), map_location="cpu")
    trained = bool(getattr(module, "training", False))
    with suppress(AttributeError):  # a frozen module is in no mode
        module.eval()
    return Script(module, path, trained=trained)

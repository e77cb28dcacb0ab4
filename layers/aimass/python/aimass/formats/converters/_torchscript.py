"""A module of TorchScript, opened."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from aimass.domain.errors import ConversionFailed, InvalidSample
from aimass.formats.converter import Candidate, Converted, Wanted
from aimass.formats.converters._torch_onnx import MAIN, arrays_of, finished, numpy_name, tensors_of
from aimass.formats.converters._torchscript_axes import Variable, variable_axes
from aimass.formats.converters._torchscript_inputs import guessed_example, table_rows, traced_example
from aimass.formats.member import shown

_REMEDY = "export the module that it was made from with torch.onnx.export"
_OPSET = 17
_CLOSE = 1e-3  # of the quick look at which dimensions can be variable; the replay judges


class Script:
    """A torch.jit.ScriptModule."""

    def __init__(self, module: Any, path: Path) -> None:
        self._module, self._path = module, path
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
                f"the module was traced with {len(self._example)} inputs and takes {self.names}; {_REMEDY}"
            )
        answers = self._first_answers(self._example)
        self._outputs = ("output",) if len(answers) == 1 else tuple(f"output_{index}" for index in range(len(answers)))
        files = self._written(folder)
        return Converted(files[0], files, "PyTorch (TorchScript)", notes=self._notes())

    def run(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        return arrays_of(self._call(tensors_of(inputs, self.names)), self._outputs)

    def _call(self, tensors: list[Any]) -> list[Any]:
        import torch
        from torch.utils import _pytree

        with torch.inference_mode():
            answer = self._module(*tensors)
        return [leaf for leaf in _pytree.tree_leaves(answer) if isinstance(leaf, torch.Tensor)]

    def _first_answers(self, example: list[Any]) -> list[Any]:
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
        return first

    def _written(self, folder: Path) -> tuple[str, ...]:
        """With as many variable dimensions as the ONNX model has right: torch's older exporter, then the newer."""
        words = ""
        found = [*variable_axes(self._call, self._example or [], self.names, self._outputs)]
        for export, variable in [*((self._exported, one) for one in found), (self._exported_by_newer, found[0])]:
            try:
                files = finished(export(variable), folder, self._outputs)
            except Exception as error:  # torch's own kinds, whose words are the reason
                words = words or shown(next((line for line in str(error).splitlines() if line.strip()), str(error)))
                continue
            if self._agrees(folder / MAIN, variable):
                self._variable = variable
                return files
            words = words or "the ONNX model answers otherwise"
            for name in files:
                (folder / name).unlink()
        raise ConversionFailed(f"torch.onnx can't write the module as ONNX: {words}; {_REMEDY}")

    def _exported_by_newer(self, _: Variable) -> Any:
        """By way of a program of torch.export, whose dimensions are all variable that can be."""
        import torch
        from torch._export.converter import TS2EPConverter

        program = TS2EPConverter(self._module, tuple(self._example or [])).convert()
        return torch.onnx.export(program, dynamo=True, verbose=False, input_names=[*self.names]).model_proto

    def _exported(self, variable: Variable) -> Any:
        import onnx
        import torch

        body = io.BytesIO()
        torch.onnx.export(
            self._module,
            tuple(self._example or []),
            body,
            dynamo=False,
            opset_version=_OPSET,
            input_names=[*self.names],
            output_names=[*self._outputs],
            dynamic_axes=variable.axes,
        )
        return onnx.load_from_string(body.getvalue())

    def _agrees(self, path: Path, variable: Variable) -> bool:
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        for tensors in (self._example or [], self._masked(), *variable.tried):
            feed = {name: tensor.numpy() for name, tensor in zip(self.names, tensors, strict=True)}
            wanted = self.run(feed)
            with suppress(Exception):  # onnxruntime's own kinds: a graph that refuses its inputs agrees with nothing
                got = dict(zip(self._outputs, session.run([*self._outputs], feed), strict=True))
                if all(_close(got[name], wanted[name]) for name in self._outputs):
                    continue
            return False
        return True

    def _is_mask(self, name: str) -> bool:
        """A row that is hidden wholly has no answer: many a module says NaN, where the ONNX model has a number."""
        return "mask" in name.lower() and name not in self._rows

    def _masked(self) -> list[Any]:
        """The example with the second half of each row hidden, where it has masks."""
        masked = [tensor.clone() for tensor in self._example or []]
        for name, tensor in zip(self.names, masked, strict=True):
            if self._is_mask(name) and tensor.dim() > 1 and not tensor.is_floating_point():
                tensor[..., tensor.shape[-1] // 2 + 1 :] = 0
        return masked

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
        if self._given:
            return ()
        shapes = ", ".join(
            f"{name} {list(one.shape)}" for name, one in zip(self.names, self._example or [], strict=True)
        )
        return (
            f"no sample came with it; the shapes of its inputs are those that it was traced with or that ran: {shapes}",
        )


def _close(got: Any, wanted: Any) -> bool:
    same = got.shape == wanted.shape
    return same and bool(
        np.allclose(
            got, wanted, rtol=_CLOSE, atol=_CLOSE * float(np.max(np.abs(wanted), initial=1e-30)), equal_nan=True
        )
    )


def _names(module: Any) -> list[str]:
    """The inputs that it must be given. Raises ConversionFailed for one that is no tensor."""
    if not hasattr(module, "forward"):
        raise ConversionFailed(f"it has no one method `forward`; {_REMEDY}")
    arguments = [one for one in module.forward.schema.arguments[1:] if not one.has_default_value()]
    if others := [f"{one.name}: {one.type}" for one in arguments if str(one.type) != "Tensor"]:
        raise ConversionFailed(f"it takes {shown(', '.join(others))}, and ONNX models take tensors; {_REMEDY}")
    if not arguments:
        raise ConversionFailed(f"it takes no tensor; {_REMEDY}")
    return [str(one.name) for one in arguments]


def open_module(folder: Path, candidate: Candidate) -> Script:
    import torch

    path = folder / candidate.main
    module = torch.jit.load(str(path), map_location="cpu")
    with suppress(AttributeError):  # a frozen module is in no mode
        module.eval()
    return Script(module, path)

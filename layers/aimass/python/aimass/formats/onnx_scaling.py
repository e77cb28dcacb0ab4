"""Whether an ONNX graph begins by scaling its picture, from numbers of 0 to 255. For the sandboxed child only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aimass.formats.onnx import is_ort
from aimass.formats.onnx_proto import messages

_MAX_BYTES = 256 << 20  # of the file: a graph with its weights within is read whole
_MOST_NUMBERS, _MOST_STEPS = 1 << 20, 64
#: They move numbers about, or change their type: what is behind them still counts from 0 to 255.
_MOVES = frozenset(
    ("Cast", "Transpose", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Slice", "Gather", "Split", "Resize",
     "Upsample", "Pad", "Expand", "Clip", "Flatten")
)  # fmt: skip
_DTYPES = {1: "<f4", 10: "<f2", 11: "<f8"}  # of TensorProto.DataType
# Factors such as 1/255, 1/127.5 and 1/58.4, and means such as 127.5 and 123.68, are of numbers to 255; factors such as
# 2 and 1/0.229, and means such as 0.5 and 0.485, are of numbers to 1.
_LARGEST_FACTOR, _LEAST_MEAN = 0.1, 2.0
_LEAST_GAIN = 0.1  # filters that answer less to numbers up to 1 are made for larger ones: trained ones have 1 to 20


@dataclass(frozen=True)
class _Line:
    """What was done to a number so far: times `factor`, plus `shift`."""

    factor: float = 1.0
    shift: float = 0.0

    def times(self, value: float) -> _Line:
        return _Line(self.factor * value, self.shift * value)

    def plus(self, value: float) -> _Line:
        return _Line(self.factor, self.shift + value)

    @property
    def scales(self) -> bool:
        """Whether it makes small numbers of those to 255, or takes a mean of such from them."""
        if not self.factor or not math.isfinite(self.factor) or not math.isfinite(self.shift):
            return False
        return abs(self.factor) <= _LARGEST_FACTOR or abs(self.shift / self.factor) >= _LEAST_MEAN


def scales_pictures(path: Path, name: str) -> bool:
    """Whether what follows the input `name` at once multiplies, divides or centres it by constants, as numbers of 0 to
    255 want it. False too where that can't be told.
    """
    if path.stat().st_size > _MAX_BYTES:
        return False
    body = path.read_bytes()
    if is_ort(body[:8]):
        return False
    return _Graph(messages().ModelProto.FromString(body).graph).scales(name)


class _Graph:
    def __init__(self, graph: Any) -> None:
        self._nodes: dict[str, list[Any]] = {}
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        for node in graph.node:
            for name in node.input:
                self._nodes.setdefault(name, []).append(node)
            if node.op_type == "Constant" and node.attribute and node.output:
                self._constants[node.output[0]] = node.attribute[0]

    def scales(self, name: str) -> bool:
        """Follows the input to the first operators that do more to it; each line of them may be of some channels."""
        left, steps = [(name, _Line())], 0
        while left and (steps := steps + 1) <= _MOST_STEPS:
            here, line = left.pop()
            for node in self._nodes.get(here, ()):
                after = self._after(node, here, line)
                if after is not None and after.scales:
                    return True
                if after is not None:
                    left += [(output, after) for output in node.output]
        return False

    def _after(self, node: Any, name: str, line: _Line) -> _Line | None:
        """The line behind the node; None behind one that is no line."""
        kind = node.op_type
        if kind in _MOVES:
            return line if node.input[0] == name else None
        if kind == "Conv" and node.input[0] == name:
            # TensorFlow Lite's converter writes the factor into the weights of what follows.
            gain = self._gain(node.input[1]) * abs(line.factor)
            return _Line(_LARGEST_FACTOR) if 0 < gain < _LEAST_GAIN else None
        if kind == "BatchNormalization":
            return self._normalised(node, line)
        if kind == "QuantizeLinear" and node.input[0] == name:
            step = self._number(node.input[1])
            # A step of 1, or half of one, is of numbers to 255; one of 1/255 is of numbers to 1.
            return _Line(_LARGEST_FACTOR) if step is not None and step >= _LARGEST_FACTOR else None
        if kind not in {"Mul", "Div", "Add", "Sub"} or len(node.input) != 2:
            return None
        first = node.input[0] == name
        other = self._number(node.input[1 if first else 0])
        return None if other is None else _arithmetic(kind, line, other, first=first)

    def _normalised(self, node: Any, line: _Line) -> _Line | None:
        numbers = [self._number(name) for name in node.input[1:5]]
        epsilon = next((one.f for one in node.attribute if one.name == "epsilon"), 1e-5)
        if len(numbers) != 4 or None in numbers:
            return None
        scale, shift, mean, variance = (one or 0.0 for one in numbers)
        return line.plus(-mean).times(scale / math.sqrt(max(variance + epsilon, 1e-12))).plus(shift)

    def _gain(self, name: str) -> float:
        """How large an answer a filter gives at most to numbers up to 1; infinite where its weights are not known."""
        weights = np.array([*_numbers(self._constants.get(name))])
        filters = self._constants[name].dims[0] if len(weights) and hasattr(self._constants[name], "dims") else 0
        return float(np.abs(weights).reshape(filters, -1).sum(1).max()) if filters else math.inf

    def _number(self, name: str) -> float | None:
        """A constant as one number: the largest of its channels' by their size."""
        numbers = [one for one in _numbers(self._constants.get(name)) if math.isfinite(one)]
        return max(numbers, key=abs, default=None)


def _arithmetic(kind: str, line: _Line, other: float, *, first: bool) -> _Line | None:
    if kind == "Mul":
        return line.times(other)
    if kind == "Div":
        return line.times(1 / other) if first and other else None
    if kind == "Add":
        return line.plus(other)
    return line.plus(-other) if first else line.times(-1).plus(other)


def _numbers(constant: Any) -> Iterator[float]:
    """Of an initializer, or of the attribute of a node `Constant`; nothing of what lies outside the file."""
    if constant is None:
        return
    tensor = getattr(constant, "t", constant)
    if tensor is not constant and not constant.HasField("t"):
        yield from constant.floats or ([constant.f] if constant.name == "value_float" else ())
        return
    count = math.prod(tensor.dims)
    if tensor.data_type not in _DTYPES or not 0 < count <= _MOST_NUMBERS:
        return
    if tensor.raw_data:
        dtype = np.dtype(_DTYPES[tensor.data_type])
        if len(tensor.raw_data) == count * dtype.itemsize:
            yield from np.frombuffer(tensor.raw_data, dtype).astype(float).tolist()
    else:
        yield from (*tensor.float_data, *tensor.double_data)

"""What the inputs of a converted model may be sent, as its graph tells: indices of a table, bytes of a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aimass.formats.converter import Wanted

_PASSED_ON = {
    "Cast",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "Identity",
    "Flatten",
    "Expand",
    "Concat",
    "Slice",
}
_WRAPPED = {"Add", "Mul", "Where", "Max", "Min", "Clip"}  # an index below zero counts from the end
_MOST_STEPS = 64
_MOST_WORDS = 200
_PICTURE_RANKS = (4, 5)
_LONG = 1000  # a dimension of sound
_UNKNOWN_WORD = "-unknown-"


@dataclass(frozen=True)
class _Range:
    low: float
    high: float
    near: Mapping[int, Sequence[float]]
    words: Sequence[str] = ()


def wanted(model: Any) -> list[Wanted]:
    """One for each input of the graph, in its order."""
    graph = _Graph(model.graph)
    return [_wanted(graph, value) for value in model.graph.input]


def _wanted(graph: _Graph, value: Any) -> Wanted:
    import onnx

    tensor = value.type.tensor_type
    shape = tuple(one.dim_value if one.HasField("dim_value") else -1 for one in tensor.shape.dim)
    is_text = tensor.elem_type == onnx.TensorProto.STRING
    dtype = "str" if is_text else onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    found = next((one for one in graph.ranges(value.name)), None) or _usual(dtype, shape)
    return Wanted(value.name, dtype, shape, found.low, found.high, found.near, found.words)


def _usual(dtype: str, shape: tuple[int, ...]) -> _Range:
    """Bytes are taken whole, pictures between 0 and 1, sound between -1 and 1, measures between -3 and 3."""
    if dtype in {"uint8", "int8"}:
        return _Range(0.0, 255.0, {}) if dtype == "uint8" else _Range(-128.0, 127.0, {})
    if not dtype.startswith(("float", "double", "bfloat")):
        return _Range(0.0, 1.0, {})
    if len(shape) in _PICTURE_RANKS:
        return _Range(0.0, 1.0, {})
    width = 1.0 if len(shape) > 2 or any(size >= _LONG for size in shape) else 3.0
    return _Range(-width, width, {})


class _Graph:
    """What the nodes next to an input do with it."""

    def __init__(self, graph: Any) -> None:
        self._constants = {one.name: one for one in graph.initializer}
        self._users: dict[str, list[Any]] = {}
        for node in graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)

    def ranges(self, name: str) -> Iterator[_Range]:
        """What each node says that sees the input, or what only its shape or type was changed of."""
        waiting, seen = [name], {name}
        while waiting and len(seen) < _MOST_STEPS:
            at = waiting.pop(0)
            for node in self._users.get(at, ()):
                if (found := self._range(node, at)) is not None:
                    yield found
                if node.op_type in _PASSED_ON | _WRAPPED and node.output[0] not in seen:
                    seen.add(node.output[0])
                    waiting.append(node.output[0])

    def _range(self, node: Any, name: str) -> _Range | None:
        match node.op_type:
            case "Gather" if node.input[1] == name and node.input[0] in self._constants:
                axis = next((one.i for one in node.attribute if one.name == "axis"), 0)
                return _Range(0.0, self._constants[node.input[0]].dims[axis] - 1.0, {})
            case "OneHot" if node.input[0] == name and (depth := self._values(node.input[1])) is not None:
                return _Range(0.0, float(depth.flat[0]) - 1.0, {})
            case "LabelEncoder" | "CategoryMapper":
                return _of_labels(node)
            case "Mul" | "Div" | "Sub":
                return self._scaled(node, name)
        return None

    def _scaled(self, node: Any, name: str) -> _Range | None:
        """Of bytes that are made small, and of columns whose mean is taken off and that are divided by their spread."""
        constant = self._values(node.input[1] if node.input[0] == name else node.input[0])
        if constant is None or not constant.size or (node.op_type != "Mul" and node.input[0] != name):
            return None
        if node.op_type == "Sub":
            return self._standardised(node, constant.reshape(-1))
        scale = abs(float(constant.flat[0]))
        scale = 1 / scale if node.op_type == "Div" and scale else scale
        return _Range(0.0, 2.0**8 - 1, {}) if constant.size == 1 and 0.003 < scale < 0.009 else None

    def _standardised(self, node: Any, mean: Any) -> _Range | None:
        users = self._users.get(node.output[0], ())
        spread = next((self._spread(one, node.output[0]) for one in users if one.op_type in {"Mul", "Div"}), None)
        if spread is None or spread.size not in {1, mean.size}:
            return None
        low, high = mean - 3 * spread, mean + 3 * spread
        near = {column: [float(value)] for column, value in enumerate(mean[:256])} if mean.size > 1 else {}
        return _Range(float(low.min()), float(high.max()), near)

    def _spread(self, node: Any, name: str) -> Any:
        values = self._values(node.input[1] if node.input[0] == name else node.input[0])
        if values is None or (values == 0).any():
            return None
        return abs(values.reshape(-1)) if node.op_type == "Div" else abs(1 / values.reshape(-1))

    def _values(self, name: str) -> Any:
        import onnx

        constant = self._constants.get(name)
        return None if constant is None else onnx.numpy_helper.to_array(constant)


def _of_labels(node: Any) -> _Range | None:
    for attribute in node.attribute:
        if attribute.name in {"keys_strings", "cats_strings"} and attribute.strings:
            words = [word.decode("utf-8", "replace") for word in attribute.strings[:_MOST_WORDS]]
            return _Range(0.0, 1.0, {}, [*words, _UNKNOWN_WORD])
        if attribute.name == "keys_int64s" and attribute.ints:
            return _Range(float(min(attribute.ints)), float(max(attribute.ints)) + 1, {})
    return None

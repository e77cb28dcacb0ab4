"""What a classifier calls its classes itself, as its graph shows. For the sandboxed child only."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

_FLOAT, _INT32, _INT64, _STRING, _DOUBLE = 1, 6, 7, 8, 11  # TensorProto.DataType
_LABELS = {_INT32, _INT64, _STRING}
_NUMBERS = {_FLOAT: ("f", "float_data"), _INT32: ("i", "int32_data"), _INT64: ("q", "int64_data")}
_NUMBERS |= {_DOUBLE: ("d", "double_data")}
_PASSING = {"Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"}
_CLASSIFIERS = {"LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier"}
_COMPARING = {"And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "Or", "Xor"}
_MOST_STEPS, _MOST_CLASSES, _MOST_BYTES = 30, 10_000, 20_000

Classes = tuple[str, ...] | None


def own_classes(model: Any) -> Classes:
    """The classes behind the one output of labels, in the order of the columns of its scores.

    Empty where they are 0, 1, 2, ...; None where there is no such output or the graph does not show its classes.
    """
    labels = [one.name for one in model.graph.output if one.type.tensor_type.elem_type in _LABELS]
    if len(labels) != 1:
        return None
    found = _Graph(model.graph).classes(labels[0], _MOST_STEPS)
    if not found or found == tuple(map(str, range(len(found)))):
        return found and ()
    fits = len({*found}) == len(found) <= _MOST_CLASSES and len(json.dumps(found).encode()) <= _MOST_BYTES
    return found if fits else None


class _Graph:
    """Followed from an output back to what decides."""

    def __init__(self, graph: Any) -> None:
        self._makers = {name: node for node in graph.node for name in node.output if name}
        self._constants = {tensor.name: tensor for tensor in graph.initializer}

    def classes(self, name: str, steps: int) -> Classes:
        node = self._makers.get(name)
        if node is None or not steps:
            return None
        kind, given = node.op_type, node.input[0] if node.input else ""
        if kind in _PASSING:
            return self.classes(given, steps - 1)
        if kind in _CLASSIFIERS:
            return _listed(_attributes(node), "classlabels") if name == node.output[0] else None
        if kind in {"ArrayFeatureExtractor", "Gather"}:
            return self._values(given, steps - 1)
        if kind == "LabelEncoder":
            return _encoded(self.classes(given, steps - 1), _attributes(node))
        return () if kind == "ArgMax" or kind in _COMPARING else None

    def _values(self, name: str, steps: int) -> Classes:
        node = self._makers.get(name)
        if node is None:
            return _texts(self._constants[name]) if name in self._constants else None
        if node.op_type in _PASSING and node.input and steps:
            return self._values(node.input[0], steps - 1)
        value = _attributes(node).get("value") if node.op_type == "Constant" else None
        return _texts(value.t) if value is not None else None


def _attributes(node: Any) -> Mapping[str, Any]:
    return {attribute.name: attribute for attribute in node.attribute}


def _listed(attributes: Mapping[str, Any], begin: str) -> Classes:
    """The list of that name, whichever type its end says."""
    for name, attribute in attributes.items():
        if name.startswith(f"{begin}_") and (attribute.ints or attribute.strings or attribute.floats):
            return _plain([*attribute.ints, *attribute.strings, *attribute.floats])
    return None


def _encoded(inner: Classes, attributes: Mapping[str, Any]) -> Classes:
    """What each of the classes before it becomes."""
    keys, values = _listed(attributes, "keys"), _listed(attributes, "values")
    if inner is None or keys is None or values is None or len(keys) != len(values):
        return None
    becomes = dict(zip(keys, values, strict=True))
    inner = inner or tuple(map(str, range(len(keys))))
    return tuple(becomes[one] for one in inner) if {*inner} <= {*keys} else None


def _texts(tensor: Any) -> Classes:
    """A constant's values; None of one that is kept outside, is too long or of another type."""
    if tensor.external_data or len(tensor.raw_data) > _MOST_CLASSES * 8:
        return None
    if tensor.data_type == _STRING:
        return _plain(tensor.string_data)
    if tensor.data_type not in _NUMBERS:
        return None
    letter, field = _NUMBERS[tensor.data_type]
    if not tensor.raw_data:
        return _plain(getattr(tensor, field))
    count, rest = divmod(len(tensor.raw_data), struct.calcsize(letter))
    return None if rest else _plain(struct.unpack(f"<{count}{letter}", tensor.raw_data))


def _plain(values: Sequence[Any]) -> Classes:
    """As labels are read; numbers with a fraction are none."""
    if not 0 < len(values) <= _MOST_CLASSES:
        return None
    try:
        return tuple(one.decode() if isinstance(one, bytes) else str(_whole(one)) for one in values)
    except (ValueError, OverflowError):
        return None


def _whole(number: float) -> int:
    """Raises ValueError or OverflowError for what is none."""
    if number != int(number):
        raise ValueError(f"{number} is no class's number")
    return int(number)

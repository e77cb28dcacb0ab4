"""The range that each tensor takes on rows: minimum and maximum, or what most of its values keep to.

Memory is bounded: the first pass has the runtime reduce each tensor to two numbers; the second counts values in bins,
for as many tensors at a time as one call's values fit into 256 MB.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from aimass.compression.contract import NotApplicable, Rows
from aimass.compression.model_file import answers, open_session, save

_BINS = 2048
_MOST_BYTES = 256_000_000
_MARK = "aimass-range"
# Masks of attention are filled with the smallest float; no scale of eight bits spans that.
_WIDEST = 1e30


@dataclass(frozen=True)
class Seen:
    """A tensor's least and greatest value, and the most elements that one call gave."""

    least: float
    most: float
    elements: int


def digest(model: Any, rows: Rows, how: object) -> str:
    """What ranges depend on."""
    found = hashlib.sha256(repr((how, rows.batch)).encode())
    for name, array in sorted(rows.inputs.items()):
        values = np.ascontiguousarray(array)
        found.update(repr((name, values.dtype.str, values.shape)).encode())
        found.update(repr(values.tolist()).encode() if values.dtype.hasobject else values.tobytes())
    for part in (model.graph.node, model.graph.initializer):
        for one in part:
            found.update(one.SerializeToString(deterministic=True))
    return found.hexdigest()


def float_tensors(model: Any, nodes: set[str]) -> list[str]:
    """Float tensors, in order, that these nodes read or give and that are no weights."""
    types = {
        value.name: value.type.tensor_type.elem_type
        for value in (*model.graph.input, *model.graph.value_info, *model.graph.output)
    }
    weights = {tensor.name for tensor in model.graph.initializer}
    touched = [name for node in model.graph.node if node.name in nodes for name in (*node.input, *node.output)]
    return [name for name in dict.fromkeys(touched) if types.get(name) == TensorProto.FLOAT and name not in weights]


def extremes(model: Any, tensors: Sequence[str], rows: Rows, folder: Path) -> dict[str, Seen]:
    """Those of `tensors` that a range can be given of. Raises NotApplicable where there are no rows."""
    if not len(rows):
        raise NotApplicable("there are no rows to take ranges from")
    asked = onnx.ModelProto()
    asked.CopyFrom(model)
    for at, name in enumerate(tensors):
        for operator in ("ReduceMin", "ReduceMax", "Size"):
            output = f"{_MARK}-{at}-{operator}"
            keep = {} if operator == "Size" else {"keepdims": 0}
            asked.graph.node.append(helper.make_node(operator, [name], [output], **keep))
            kind = TensorProto.INT64 if operator == "Size" else TensorProto.FLOAT
            asked.graph.output.append(helper.make_tensor_value_info(output, kind, []))
    del asked.graph.output[: len(model.graph.output)]
    numbers = np.array([np.asarray(call, np.float64) for call in _answers(asked, rows, folder)])
    least, most, elements = numbers[:, 0::3].min(0), numbers[:, 1::3].max(0), numbers[:, 2::3].max(0)
    return {
        name: Seen(float(least[at]), float(most[at]), int(elements[at]))
        for at, name in enumerate(tensors)
        if -_WIDEST < least[at] <= most[at] < _WIDEST
    }


def _answers(model: Any, rows: Rows, folder: Path) -> Sequence[Any]:
    path = folder / "asked.onnx"
    save(model, path)
    return answers(open_session(path, optimised=False), rows.feeds())


def percentiles(
    model: Any, seen: Mapping[str, Seen], rows: Rows, folder: Path, share: float
) -> dict[str, tuple[float, float]]:
    """Ranges that leave out (1 - share) of all values, half on either side."""
    found: dict[str, tuple[float, float]] = {}
    for group in _groups(seen):
        asked = onnx.ModelProto()
        asked.CopyFrom(model)
        del asked.graph.output[:]
        asked.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in group)
        path = folder / "asked.onnx"
        save(asked, path)
        session = open_session(path, optimised=False)
        counts = {name: np.zeros(_BINS, np.int64) for name in group}
        for feed in rows.feeds():
            for name, values in zip(group, answers(session, [feed])[0], strict=True):
                counts[name] += np.histogram(values, _BINS, (seen[name].least, seen[name].most))[0]
        found |= {name: _cut(counts[name], seen[name], share) for name in group}
    return found


def _groups(seen: Mapping[str, Seen]) -> list[list[str]]:
    groups: list[list[str]] = []
    room = 0
    for name, one in seen.items():
        if one.most == one.least:
            continue
        room -= 4 * one.elements
        if room < 0:
            groups.append([])
            room = _MOST_BYTES - 4 * one.elements
        groups[-1].append(name)
    return groups


def _cut(counts: Any, seen: Seen, share: float) -> tuple[float, float]:
    """Never inside of zero, which must have a value of its own."""
    edges = np.linspace(seen.least, seen.most, _BINS + 1)
    outside = (1 - share) / 2 * counts.sum()
    low = edges[np.searchsorted(np.cumsum(counts), outside, side="right")]
    high = edges[_BINS - np.searchsorted(np.cumsum(counts[::-1]), outside, side="right")]
    return min(float(low), 0.0) if seen.least < 0 else seen.least, max(float(high), 0.0) if seen.most > 0 else seen.most

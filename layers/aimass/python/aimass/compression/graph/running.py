"""Runs a model, or as much of it as some tensors need, from what is known already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort

from aimass.compression.graph.reading import Array, reads
from aimass.compression.model_file import ONE_FILE_BYTES, save

Feed = Mapping[str, Any]


def upto(model: onnx.ModelProto, names: Sequence[str], known: Feed | None = None) -> onnx.ModelProto:
    """The part of a model that makes these tensors, which are its outputs, of those that are known already."""
    known = known or {}
    makers = {name: node for node in model.graph.node for name in node.output if name and name not in known}
    wanted, seen = list(names), set(names)
    while wanted:
        node = makers.get(wanted.pop())
        for name in reads(node) if node is not None else ():
            if name not in seen:
                seen.add(name)
                wanted.append(name)
    part = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import, functions=model.functions)
    part.graph.name = "part"
    part.graph.node.extend(
        node for node in model.graph.node if any(makers.get(name) is node for name in seen & set(node.output))
    )
    part.graph.initializer.extend(tensor for tensor in model.graph.initializer if tensor.name in seen)
    part.graph.sparse_initializer.extend(model.graph.sparse_initializer)
    part.graph.input.extend(one for one in model.graph.input if one.name in seen)
    stated = {one.name for one in model.graph.input}
    part.graph.input.extend(_of(name, known[name]) for name in sorted(seen & set(known) - stated))
    stated_outputs = {one.name: one for one in model.graph.output}
    part.graph.output.extend(stated_outputs.get(name, onnx.ValueInfoProto(name=name)) for name in names)
    return part


def _of(name: str, value: Array) -> onnx.ValueInfoProto:
    info = onnx.ValueInfoProto(name=name)
    info.type.tensor_type.elem_type = onnx.helper.np_dtype_to_tensor_dtype(value.dtype)
    return info


class Running:
    """A session on one thread over a model in memory. Files that it needs are in `folder`, and go with it."""

    def __init__(self, model: onnx.ModelProto, folder: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        self._files = TemporaryDirectory(dir=folder)
        path = Path(self._files.name) / "running.onnx"
        source: str | bytes = str(path)
        if model.ByteSize() < ONE_FILE_BYTES:
            source = model.SerializeToString()
        else:
            save(model, path)
        self._session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        self._inputs = {one.name for one in self._session.get_inputs()}

    def __call__(self, feed: Feed) -> list[Array]:
        given = {name: value for name, value in feed.items() if name in self._inputs}
        return list(self._session.run(None, given))


class Stepped:
    """A model over all its rows, a node after the other: what was computed is kept while it takes up to `room` bytes.

    The model may change behind the node that was advanced to.
    """

    def __init__(self, model: onnx.ModelProto, feeds: Iterable[Feed], folder: Path, room: int) -> None:
        self.model = model
        self._known: list[Feed] = list(feeds)
        self._folder = folder
        self._room = room

    def values(self, name: str) -> Iterator[Array]:
        """A tensor, call by call."""
        for (value,) in self._run([name]):
            yield value

    def advance(self, index: int) -> None:
        """Keeps what the nodes from this one on read, if there is room for it."""
        made = {name for node in self.model.graph.node[:index] for name in node.output if name}
        made.update(self._known[0])
        read = {name for node in self.model.graph.node[index:] for name in reads(node)}
        live = sorted(made & (read | {one.name for one in self.model.graph.output}))
        kept: list[Feed] = []
        size = 0
        for values in self._run(live):
            size += sum(self._bytes(value) for value in values)
            kept.append(dict(zip(live, values, strict=True)))
            if size / len(kept) * len(self._known) > self._room:
                return
        self._known = kept

    def _bytes(self, value: Any) -> int:
        """More than there is room for, where a value is no tensor of numbers, which nothing can begin with."""
        return int(value.nbytes) if isinstance(value, np.ndarray) and value.dtype != object else self._room + 1

    def _run(self, names: list[str]) -> Iterator[list[Array]]:
        missing = [name for name in names if name not in self._known[0]]
        running = Running(upto(self.model, missing, self._known[0]), self._folder) if missing else None
        for known in self._known:
            found = dict(zip(missing, running(known), strict=True)) if running is not None else {}
            yield [found[name] if name in found else known[name] for name in names]

"""onnxruntime's quantizer, called so that it prints nothing, leaves nothing behind and fails as a pass does."""

from __future__ import annotations

import contextlib
import io
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from aimass.compression.contract import NotApplicable, Unit, Work
from aimass.compression.model_file import (
    ONE_FILE_BYTES,
    answers,
    graphs_within,
    load,
    name_nodes,
    open_session,
    opset,
    refused,
    same_interface,
    save,
    weight_bytes,
)
from aimass.compression.passes._opset import LEAST

#: Operators whose weights are quantized, and by which units are known.
LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_ENDS = (
    *("_scale", "_zero_point", "_quantized", "_quantized_scale", "_quantized_zero_point"),
    *("_QuantizeLinear", "_QuantizeLinear_Output", "_QuantizeLinear_Input"),
    *("_DequantizeLinear", "_DequantizeLinear_Output", "_DequantizeLinear_Input"),
)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Neither prints nor log records, nor the handler that `logging.warning` would install on the root."""
    handler, before = logging.NullHandler(), logging.root.manager.disable
    logging.root.addHandler(handler)
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
        logging.root.removeHandler(handler)


def prepared(work: Work) -> tuple[Any, Path]:
    """The model with types and shapes where they can be told, nodes named, and its file in `folder`.

    Raises NotApplicable.
    """
    if work.profile.locked:
        raise NotApplicable(work.profile.locked)
    model = load(work.source)
    if opset(model) < LEAST:
        raise NotApplicable(f"quantization needs opset {LEAST}; the model has {opset(model)}")
    name_nodes(model)
    plain, shaped = work.folder / "plain.onnx", work.folder / "shaped.onnx"
    flatten_biases(model)
    save(model, plain)
    with refused("types cannot be inferred"):
        onnx.shape_inference.infer_shapes_path(str(plain), str(shaped))
    return load(shaped), shaped


def flatten_biases(model: Any) -> None:
    """Gives Gemm's biases of [1, N], as the runtime's own fusions make them, the [N] that the quantizer wants."""
    read = [(node, at, name) for node in model.graph.node for at, name in enumerate(node.input)]
    elsewhere = {name for node, at, name in read if (node.op_type, node.domain, at) != ("Gemm", "", 2)}
    elsewhere |= captured(model) | {value.name for value in (*model.graph.input, *model.graph.output)}
    biases = {name for node, at, name in read if (node.op_type, at) == ("Gemm", 2)} - elsewhere
    flat = set()
    for tensor in model.graph.initializer:
        if tensor.name in biases and len(tensor.dims) > 1 and set(tensor.dims[:-1]) == {1}:
            del tensor.dims[:-1]
            flat.add(tensor.name)
    known = [value for value in model.graph.value_info if value.name not in flat]
    del model.graph.value_info[:]
    model.graph.value_info.extend(known)


def weighted(model: Any, operators: Sequence[str] = LAYERS, least: int = 1) -> dict[str, int]:
    """Layers with a constant float weight of at least so many elements, in order, and the elements."""
    sizes = {
        tensor.name: int(np.prod(tensor.dims, dtype=np.int64))
        for tensor in model.graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT
    }
    return {
        node.name: sizes[node.input[1]]
        for node in model.graph.node
        if node.op_type in operators
        and node.domain == ""
        and len(node.input) > 1
        and sizes.get(node.input[1], 0) >= least
    }


def units(layers: Mapping[str, int], total: int) -> list[Unit]:
    """`total` is the size of all of the model's weights in elements."""
    return [Unit(name, size / max(1, total)) for name, size in layers.items()]


def members(model: Any, layers: Mapping[str, int]) -> dict[str, set[str]]:
    """Each layer with the operators that follow it, up to the next: what is spared with it.

    An operator after several belongs to the latest.
    """
    place = {name: at for at, name in enumerate(layers)}
    owner: dict[str, str] = {}
    found: dict[str, set[str]] = {name: {name} for name in layers}
    for node in model.graph.node:
        before = [owner[name] for name in node.input if name in owner]
        mine = node.name if node.name in place else max(before, key=place.__getitem__, default="")
        if mine:
            found[mine].add(node.name)
            owner.update(dict.fromkeys(node.output, mine))
    return found


def run_quantizer(quantize: Callable[..., None], shaped: Path, target: Path, **options: Any) -> None:
    """Writes `target`, small enough for one file or not. Raises NotApplicable."""
    model = load(shaped)
    _names_are_free(model)
    large = weight_bytes(model) > ONE_FILE_BYTES
    made = shaped.with_name("quantized.onnx")
    with quiet():
        try:
            quantize(shaped, made, use_external_data_format=large, **options)
        except MemoryError:
            raise
        except Exception as error:
            # What it raises are Python's own errors, which tell nobody anything of the graph.
            raise NotApplicable(f"onnxruntime's quantizer does not take this graph{_operator(error)}") from error
    save(load(made), target)


def _operator(error: Exception) -> str:
    """The operator that the quantizer was at, if it was at one: it has an object for each."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        node = getattr(frame.f_locals.get("self"), "node", None)
        if isinstance(node, onnx.NodeProto):
            return f", its {node.op_type}"
    return ""


def _names_are_free(model: Any) -> None:
    """The quantizer makes names out of names and takes what has such a name already for its own."""
    names = {tensor.name for tensor in model.graph.initializer} | {value.name for value in model.graph.input}
    names |= {name for node in model.graph.node for name in node.output}
    if any(f"{name}{end}" in names for name in names for end in _ENDS):
        raise NotApplicable("names in this graph collide with those that quantization makes")


def check(work: Work) -> None:
    """The result loads, takes and gives what the source did, and its floats are numbers. Raises NotApplicable."""
    made = onnx.load(work.target, load_external_data=False).graph
    names = [tensor.name for tensor in made.initializer] + [name for node in made.node for name in node.output if name]
    if len(set(names)) < len(names):
        raise NotApplicable("names in this graph collide with those that quantization makes")
    before, after = open_session(work.source), open_session(work.target)
    if not same_interface(before, after):
        raise NotApplicable("its inputs and outputs changed")
    for outputs in answers(after, work.rows.feeds(work.rows.batch)):
        if any(getattr(one, "dtype", np.dtype(bool)).kind == "f" and np.isnan(one).any() for one in outputs):
            raise NotApplicable("it answers with what is no number")


def captured(model: Any) -> set[str]:
    """Names that subgraphs read."""
    found: set[str] = set()
    waiting = [graph for node in model.graph.node for graph in graphs_within(node)]
    while waiting:
        graph = waiting.pop()
        found.update(value.name for value in graph.output)
        for node in graph.node:
            found.update(node.input)
            waiting.extend(graphs_within(node))
    return found

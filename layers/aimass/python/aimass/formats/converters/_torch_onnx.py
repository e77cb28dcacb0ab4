"""What torch's exporters have written, made into the ONNX model that is handed on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from aimass.domain.errors import ConversionFailed
from aimass.formats.converter import Wanted

MAIN, DATA = "model.onnx", "model.onnx.data"
OPSET = 18
#: protobuf takes no message of 2 GB; larger weights lie beside the model.
_INSIDE = 1_900_000_000
_SYMBOL = re.compile(r"[A-Za-z_]\w*")
_UNNAMED = re.compile(r"[su]\d+")  # torch.export's own names of sizes


def finished(model: Any, folder: Path, outputs: Sequence[str]) -> tuple[str, ...]:
    """Names the model's outputs and variable dimensions, and writes it. Returns its files, the main one first."""
    import onnx

    _rename_outputs(model.graph, outputs)
    _rename_dimensions(model.graph)
    del model.metadata_props[:]
    for node in _nodes(model):
        node.doc_string = ""
        del node.metadata_props[:]
    onnx.save_model(
        model,
        folder / MAIN,
        save_as_external_data=model.ByteSize() > _INSIDE,
        all_tensors_to_one_file=True,
        location=DATA,
        size_threshold=1024,
    )
    return (MAIN, DATA) if (folder / DATA).exists() else (MAIN,)


def _nodes(model: Any) -> Iterator[Any]:
    return chain(model.graph.node, *(function.node for function in model.functions))


def _rename_outputs(graph: Any, names: Sequence[str]) -> None:
    """Output by output. One that is an input as well, or another output too, gets a node of its own."""
    import onnx

    if len(graph.output) != len(names):
        raise ConversionFailed(f"{len(graph.output)} outputs, of which {len(names)} are tensors: answer tensors alone")
    taken = {value.name for value in chain(graph.input, graph.initializer)}
    taken |= {name for node in graph.node for name in chain(node.input, node.output)}
    for value, name in zip(graph.output, names, strict=True):
        if value.name == name:
            continue
        if name in taken:
            raise ValueError(f"an output would be called {name!r}, as something else in the model is")
        graph.node.append(onnx.helper.make_node("Identity", [value.name], [name]))
        value.name = name
        taken.add(name)


def _rename_dimensions(graph: Any) -> None:
    """`batch` for what comes first in the inputs, `<tensor>_<axis>` for other sizes that have no name of their own."""
    names: dict[str, str] = {}
    inputs = {value.name for value in graph.input}
    for value in chain(graph.input, graph.output):
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if _UNNAMED.fullmatch(dim.dim_param) and dim.dim_param not in names:
                first = axis == 0 and "batch" not in names.values() and value.name in inputs
                names[dim.dim_param] = "batch" if first else f"{value.name}_{axis}"
    for value in chain(graph.input, graph.output, graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param.isdecimal():  # the newer exporter's way to write some sizes of TorchScript
                dim.dim_value = int(dim.dim_param)
            elif dim.dim_param:
                dim.dim_param = _SYMBOL.sub(lambda match: names.get(match.group(), match.group()), dim.dim_param)


def tensors_of(feed: Mapping[str, np.ndarray], names: Sequence[str]) -> list[Any]:
    """The arrays as tensors of torch's, in this order."""
    return [_tensor(np.ascontiguousarray(feed[name])) for name in names]


def fed(feed: Mapping[str, np.ndarray], wanted: Sequence[Wanted]) -> list[Any]:
    """The arrays as tensors of the types that the model takes: doubles of a sample are its owner's to cast, too."""
    import torch

    tensors = tensors_of(feed, [one.name for one in wanted])
    return [tensor.to(getattr(torch, one.dtype)) for tensor, one in zip(tensors, wanted, strict=True)]


def _tensor(array: np.ndarray) -> Any:
    import torch

    if array.dtype.name == "bfloat16":  # of ml_dtypes, which torch does not know
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def arrays_of(answer: Any, names: Sequence[str]) -> dict[str, np.ndarray]:
    """All tensors in an answer, however it nests them, by these names."""
    import torch
    from torch.utils import _pytree

    leaves = [leaf for leaf in _pytree.tree_leaves(answer) if isinstance(leaf, torch.Tensor)]
    return {name: _array(leaf) for name, leaf in zip(names, leaves, strict=True)}


def _array(tensor: Any) -> np.ndarray:
    import torch

    whole = tensor.detach().cpu()
    # numpy has no bfloat16; every one of them is a float32.
    array: np.ndarray = (whole.float() if whole.dtype == torch.bfloat16 else whole).numpy()
    return array


def numpy_name(dtype: Any) -> str:
    """numpy's name for a type of torch's."""
    return str(dtype).removeprefix("torch.")

"""What an ONNX file says of itself, and whether its external data may be trusted. For the sandboxed child only."""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

from aimass.domain.errors import ExternalDataEscapes, ExternalDataMissing, InvalidModel
from aimass.formats.onnx_proto import messages

_MAX_PROTOBUF_BYTES = (1 << 31) - 1
_EXTERNAL = 1
_LONGEST_NUMBER = 20
_LONGEST_DIMENSION, _MOST_SIZES = 1 << 20, 40
# onnxruntime reads such a location as an address in its own memory.
_MEMORY_MARK = "_ORT_MEM_ADDR_"
# Bits an element takes, by TensorProto.DataType; strings (8) cannot be external.
_BITS = dict.fromkeys((1, 6, 12), 32) | dict.fromkeys((2, 3, 9, 17, 18, 19, 20, 24), 8)
_BITS |= dict.fromkeys((4, 5, 10, 16), 16) | dict.fromkeys((7, 11, 13, 14), 64)
_BITS |= {15: 128, 21: 4, 22: 4, 23: 4, 25: 2, 26: 2}


@dataclass(frozen=True)
class Inspected:
    """An ONNX file's own account; `external` are the files of its external data, relative to its folder."""

    ir_version: int
    opset: dict[str, int]
    framework: str
    parameter_count: int
    external: tuple[str, ...]


def inspect(path: Path) -> Inspected:
    """Reads the model without its external data, whose files must lie beside it, present and long enough.

    Raises InvalidModel, ExternalDataMissing, ExternalDataEscapes.
    """
    model = _parse(path)
    weights = [tensor for graph in _graphs(model) for tensor in _initializers(graph)]
    external = {_check_external(tensor, path.parent): None for tensor in _tensors(model) if _is_external(tensor)}
    return Inspected(
        ir_version=model.ir_version,
        opset=_opset(model),
        framework=_framework(model),
        parameter_count=sum(_elements(tensor) for tensor in weights),
        external=tuple(external),
    )


def external_locations(path: Path) -> set[str]:
    """Where the model says that its external data lies, unchecked. Raises InvalidModel."""
    return {_entries(tensor).get("location", "") for tensor in _tensors(_parse(path)) if _is_external(tensor)}


def weight_sizes(path: Path) -> list[int]:
    """Dimensions of the model's weights, the commonest first: what a variable dimension of an input may have to be."""
    graph = _parse(path).graph
    sizes = Counter(size for tensor in graph.initializer for size in tensor.dims if 1 < size < _LONGEST_DIMENSION)
    return [size for size, _ in sizes.most_common(_MOST_SIZES)]


def _parse(path: Path) -> Any:
    if path.stat().st_size > _MAX_PROTOBUF_BYTES:
        raise InvalidModel("an ONNX file of over 2 GB cannot be read by any runtime; save its weights as external data")
    try:
        return messages().ModelProto.FromString(path.read_bytes())
    except _decode_error() as error:
        raise InvalidModel(f"the ONNX file is damaged: {error}") from None


def _decode_error() -> type[Exception]:
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it ships no types

    return cast("type[Exception]", DecodeError)


def _opset(model: Any) -> dict[str, int]:
    if not model.opset_import:
        raise InvalidModel("the model imports no operator set; the file may be cut short")
    return {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}


def _framework(model: Any) -> str:
    text = f"{model.producer_name} {model.producer_version}"
    return re.sub(r"[\s\x00-\x1f\x7f]+", " ", text).strip()[:80] or "onnx"


def _graphs(model: Any) -> Iterator[Any]:
    """The graph and all graphs within it and within the model's functions."""
    yield model.graph
    for nodes in (model.graph.node, *(function.node for function in model.functions)):
        yield from _subgraphs(nodes)


def _subgraphs(nodes: Any) -> Iterator[Any]:
    for node in nodes:
        for attribute in node.attribute:
            for graph in (*((attribute.g,) if attribute.HasField("g") else ()), *attribute.graphs):
                yield graph
                yield from _subgraphs(graph.node)


def _initializers(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield sparse.values


def _tensors(model: Any) -> Iterator[Any]:
    """Every tensor that may have its data outside: weights, and the constants in nodes."""
    for graph in _graphs(model):
        yield from _initializers(graph)
        yield from (sparse.indices for sparse in graph.sparse_initializer)
        yield from _constants(graph.node)
    for function in model.functions:
        yield from _constants(function.node)


def _constants(nodes: Any) -> Iterator[Any]:
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            if attribute.HasField("sparse_tensor"):
                yield from (attribute.sparse_tensor.values, attribute.sparse_tensor.indices)
            for sparse in attribute.sparse_tensors:
                yield from (sparse.values, sparse.indices)


def _is_external(tensor: Any) -> bool:
    return bool(tensor.data_location == _EXTERNAL)


def _entries(tensor: Any) -> dict[str, str]:
    return {entry.key: entry.value for entry in tensor.external_data}


def _check_external(tensor: Any, folder: Path) -> str:
    """The file of this tensor's data as a clean path relative to `folder`."""
    entries = _entries(tensor)
    location = entries.get("location", "")
    facts = {"file": location, "tensor": tensor.name}
    named = f"the external data of tensor {tensor.name!r}, {location!r},"
    if _escapes(location, folder):
        raise ExternalDataEscapes(f"{named} lies outside the model's folder", **facts)
    file = (folder / location).resolve()
    if not location or not os.path.isfile(file):
        raise ExternalDataMissing(f"{named} is not among the files uploaded", **facts)
    end = _number(entries, "offset", tensor) + (_number(entries, "length", tensor) or _size(tensor))
    if end > file.stat().st_size:
        raise ExternalDataMissing(
            f"{named} is cut short: {end} bytes are needed, {file.stat().st_size} are there", **facts
        )
    return file.relative_to(folder.resolve()).as_posix()


def _escapes(location: str, folder: Path) -> bool:
    if "\x00" in location or _MEMORY_MARK in location or PurePosixPath(location).is_absolute():
        return True
    return not (folder / location).resolve().is_relative_to(folder.resolve())


def _number(entries: dict[str, str], key: str, tensor: Any) -> int:
    text = entries.get(key) or "0"
    if not text.isdecimal() or len(text) > _LONGEST_NUMBER:
        raise InvalidModel(f"the external data of tensor {tensor.name!r} has {key} {text[:40]!r}", tensor=tensor.name)
    return int(text)


def _size(tensor: Any) -> int:
    return (_elements(tensor) * _BITS.get(tensor.data_type, 0) + 7) // 8


def _elements(tensor: Any) -> int:
    """Raises InvalidModel for a shape that no memory holds."""
    elements: int = math.prod(tensor.dims)
    if any(size < 0 for size in tensor.dims) or elements >= 1 << 63:
        raise InvalidModel(f"tensor {tensor.name!r} has the shape {list(tensor.dims)[:16]}", tensor=tensor.name)
    return elements

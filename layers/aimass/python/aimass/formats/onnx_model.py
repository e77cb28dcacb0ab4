"""What an ONNX file says of itself, and whether its external data may be trusted. For the sandboxed child only."""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

from aimass.domain.errors import ExternalDataEscapes, ExternalDataMissing, InvalidModel
from aimass.formats.member import shown
from aimass.formats.onnx import is_ort
from aimass.formats.onnx_classes import Classes, own_classes
from aimass.formats.onnx_proto import messages

_MAX_PROTOBUF_BYTES = (1 << 31) - 1
_EXTERNAL = 1
_LONGEST_NUMBER = 20
_TOGETHER = (
    "send the model and its data in one .tar.gz or .zip, or put them in a folder of their own in S3 and then an object "
    "named _COMPLETE there"
)
_LONGEST_DIMENSION, _MOST_SIZES = 1 << 20, 40
# What identify answers goes from state to state, 256 KB for all of it.
_MOST_FILES, _LONGEST_LOCATION, _LONGEST_LIST = 1000, 512, 140_000
_PACK = "; pack them into one (onnx.save with all_tensors_to_one_file=True)"
_MOST_DOMAINS, _LONGEST_DOMAIN = 64, 128
# onnxruntime reads such a location as an address in its own memory.
_MEMORY_MARK = "_ORT_MEM_ADDR_"
# Bits an element takes, by TensorProto.DataType; strings (8) cannot be external.
_BITS = dict.fromkeys((1, 6, 12), 32) | dict.fromkeys((2, 3, 9, 17, 18, 19, 20, 24), 8)
_BITS |= dict.fromkeys((4, 5, 10, 16), 16) | dict.fromkeys((7, 11, 13, 14), 64)
_BITS |= {15: 128, 21: 4, 22: 4, 23: 4, 25: 2, 26: 2}


@dataclass(frozen=True)
class Inspected:
    """An ONNX file's own account; `external` are the files of its external data, relative to its folder, `own_classes`
    what it calls its classes itself, as `own_classes` reads them. `parameter_count` is None of decision trees.
    """

    ir_version: int
    opset: dict[str, int]
    framework: str
    parameter_count: int | None
    external: tuple[str, ...]
    own_classes: Classes = None


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
        parameter_count=None if _has_trees(model) else sum(_elements(tensor) for tensor in weights),
        external=_few(tuple(external)),
        own_classes=own_classes(model),
    )


def _has_trees(model: Any) -> bool:
    """Trees are attributes of their operator: the tensors beside them say nothing of the model's size."""
    return any(node.op_type.startswith("TreeEnsemble") for graph in _graphs(model) for node in graph.node)


def _few(files: tuple[str, ...]) -> tuple[str, ...]:
    """Raises InvalidModel for more than the state machine hands on from state to state."""
    if len(files) > _MOST_FILES:
        raise InvalidModel(f"the model keeps its weights in {len(files)} files{_PACK}", count=len(files))
    if len(json.dumps(files)) > _LONGEST_LIST:
        raise InvalidModel(f"the paths of the model's {len(files)} files are too long{_PACK}", count=len(files))
    return files


def external_locations(path: Path) -> set[str]:
    """Where the model says that its external data lies, unchecked. Raises InvalidModel."""
    return {_entries(tensor).get("location", "") for tensor in _tensors(_parse(path)) if _is_external(tensor)}


def with_external_data_at(path: Path, location: str) -> bytes:
    """The file of a model whose external data lies in one file, as it is once that is moved beside it to `location`."""
    model = _parse(path)
    for tensor in filter(_is_external, _tensors(model)):
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    moved: bytes = model.SerializeToString(deterministic=True)
    return moved


def weight_sizes(path: Path) -> list[int]:
    """Dimensions of the model's weights, the commonest first: what a variable dimension of an input may have to be.

    None are known of a model in the runtime's own format.
    """
    with path.open("rb") as file:
        if is_ort(file.read(8)):
            return []
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
    opset = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
    if len(opset) > _MOST_DOMAINS or any(len(domain) > _LONGEST_DOMAIN for domain in opset):
        raise InvalidModel(
            f"the model imports {len(opset)} operator domains, the longest name {max(map(len, opset))} characters; "
            f"at most {_MOST_DOMAINS} of {_LONGEST_DOMAIN} characters are taken"
        )
    return opset


def _framework(model: Any) -> str:
    text = f"{model.producer_name} {model.producer_version}"
    return re.sub(r"[\s\x00-\x1f\x7f]+", " ", text).strip()[:80] or "onnx"


def _graphs(model: Any) -> Iterator[Any]:
    """The graph and all graphs within it and within the model's functions."""
    yield model.graph
    for attribute in _attributes(model):
        yield from _graphs_of(attribute)


def _attributes(model: Any) -> Iterator[Any]:
    """Every attribute: of the nodes in all graphs and functions, and what functions have as defaults."""
    yield from _attributes_of(model.graph.node)
    for function in model.functions:
        yield from _and_within(function.attribute_proto)
        yield from _attributes_of(function.node)


def _attributes_of(nodes: Any) -> Iterator[Any]:
    for node in nodes:
        yield from _and_within(node.attribute)


def _and_within(attributes: Any) -> Iterator[Any]:
    for attribute in attributes:
        yield attribute
        for graph in _graphs_of(attribute):
            yield from _attributes_of(graph.node)


def _graphs_of(attribute: Any) -> Iterator[Any]:
    if attribute.HasField("g"):
        yield attribute.g
    yield from attribute.graphs


def _initializers(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield sparse.values


def _tensors(model: Any) -> Iterator[Any]:
    """Every tensor that may have its data outside: weights, and the constants in nodes."""
    for graph in _graphs(model):
        yield from _initializers(graph)
        yield from (sparse.indices for sparse in graph.sparse_initializer)
    for attribute in _attributes(model):
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
    facts = {"file": shown(location), "tensor": shown(tensor.name)}
    named = f"the external data of tensor '{shown(tensor.name)}', '{shown(location)}',"
    if len(location.encode()) > _LONGEST_LOCATION:
        raise InvalidModel(f"{named} has a path longer than {_LONGEST_LOCATION} bytes", **facts)
    if _escapes(location, folder):
        raise ExternalDataEscapes(f"{named} lies outside the model's folder", **facts)
    file = (folder / location).resolve()
    if not location or not os.path.isfile(file):
        raise ExternalDataMissing(f"{named} is not among the files uploaded; {_TOGETHER}", **facts)
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
        name = shown(tensor.name)
        raise InvalidModel(f"the external data of tensor '{name}' has {key} {text[:40]!r}", tensor=name)
    return int(text)


def _size(tensor: Any) -> int:
    return (_elements(tensor) * _BITS.get(tensor.data_type, 0) + 7) // 8


def _elements(tensor: Any) -> int:
    """Raises InvalidModel for a shape that no memory holds."""
    elements: int = math.prod(tensor.dims)
    if any(size < 0 for size in tensor.dims) or elements >= 1 << 63:
        name = shown(tensor.name)
        raise InvalidModel(f"tensor '{name}' has the shape {list(tensor.dims)[:16]}", tensor=name)
    return elements

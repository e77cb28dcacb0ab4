"""ONNX, and onnxruntime's own format. A ModelProto has no magic bytes: its fields give it away (onnx/onnx.proto)."""

from __future__ import annotations

from itertools import islice

from aimass.domain.errors import TruncatedModel
from aimass.formats.content import Content
from aimass.formats.protobuf import BYTES, VARINT, CutShort, Field, Malformed, fields

TITLES = {"onnx": "ONNX", "ort": "an onnxruntime model (.ort)"}

_IR_VERSION, _GRAPH, _OPSET_IMPORT = 1, 7, 8
_MODEL = {_IR_VERSION: VARINT, 2: BYTES, 3: BYTES, 4: BYTES, 5: VARINT, 6: BYTES, _GRAPH: BYTES, _OPSET_IMPORT: BYTES}
_GRAPH_FIELDS = frozenset((1, 2, 5, 10, 11, 12, 13, 14, 15, 16))
_GRAPH_FIELDS_READ = 8
_FIELDS_READ = 100_000  # each function and each piece of metadata is one


def is_ort(content: Content) -> bool:
    """Whether this is a flatbuffer with onnxruntime's mark."""
    return content[4:8] == b"ORTM"


def recognise(content: Content) -> str | None:
    """Raises TruncatedModel for an ONNX file whose end is missing."""
    if is_ort(content):
        return "ort"
    seen: dict[int, Field] = {}
    try:
        for field in islice(fields(content), _FIELDS_READ):
            if _MODEL.get(field.number, field.wire) != field.wire:
                return None
            seen[field.number] = field
    except CutShort as cut:
        graph = cut.field if cut.field and cut.field.number == _GRAPH else seen.get(_GRAPH)
        if _is_model(content, seen, graph):
            raise TruncatedModel("the ONNX file is cut short: it announces more bytes than it has") from None
        return None
    except Malformed:
        return None
    return "onnx" if _is_model(content, seen, seen.get(_GRAPH)) else None


def _is_model(content: Content, seen: dict[int, Field], graph: Field | None) -> bool:
    if graph is None or not seen.keys() & {_IR_VERSION, _OPSET_IMPORT}:
        return False
    try:
        some = list(islice(fields(content, graph.start, min(graph.end, len(content))), _GRAPH_FIELDS_READ))
    except CutShort as cut:
        return cut.field is None or cut.field.number in _GRAPH_FIELDS
    except Malformed:
        return False
    return all(field.wire == BYTES and field.number in _GRAPH_FIELDS for field in some)

"""Core ML (apple/coremltools, mlmodel/format/Model.proto)."""

from __future__ import annotations

from aimass.formats.content import Content
from aimass.formats.protobuf import BYTES, VARINT, Malformed, fields

TITLES = {"coreml": "a Core ML model (.mlmodel)"}
_SPECIFICATION_VERSION, _DESCRIPTION = 1, 2
# From pipelines (200) to serialized models (3000), each kind of model is a field of its own.
_KINDS = range(200, 3001)


def recognise(content: Content) -> str | None:
    seen: dict[int, int] = {}
    try:
        for field in fields(content):
            seen.setdefault(field.number, field.wire)
    except Malformed:
        return None
    is_model = seen.get(_SPECIFICATION_VERSION) == VARINT and seen.get(_DESCRIPTION) == BYTES
    return "coreml" if is_model and any(number in _KINDS for number in seen) else None

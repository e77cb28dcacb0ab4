"""Caffe: a network as text (.prototxt) and its weights (caffe/src/caffe/proto/caffe.proto)."""

from __future__ import annotations

import re

from aimass.formats.content import Content
from aimass.formats.converter import Converter
from aimass.formats.protobuf import BYTES, Malformed, fields

_TEXT = re.compile(rb'(?:#[^\n]*\n|\s)*name\s*:\s*"[^"\n]*"\s*(?:#[^\n]*\n|\s)*(?:layers?\s*\{|input\s*:|input_dim)')
_NAME, _OLD_LAYER, _LAYER = 1, 2, 100
_LAYER_NAME, _LAYER_TYPE = 1, 2


def _recognise(content: Content) -> str | None:
    if _TEXT.match(content[:1024]):
        return "caffe"
    try:
        return "caffe" if _is_weights(content) else None
    except Malformed:
        return None


def _is_weights(content: Content) -> bool:
    """A NetParameter: its name, then its layers, each with a name and a type."""
    walk = fields(content)
    name, layer = next(walk, None), next(walk, None)
    if name is None or layer is None or (name.number, name.wire) != (_NAME, BYTES):
        return False
    if (layer.number, layer.wire) != (_LAYER, BYTES):
        return False
    inside = fields(content, layer.start, layer.end)
    return [(one.number, one.wire) for one in (next(inside, None), next(inside, None)) if one] == [
        (_LAYER_NAME, BYTES),
        (_LAYER_TYPE, BYTES),
    ]


CONVERTER = Converter(
    titles={"caffe": "a Caffe model (.prototxt, .caffemodel)"},
    recognise=_recognise,
    structural=True,
    refused={"caffe": "convert it with caffe2onnx, or train it again in PyTorch and send that"},
)

"""Apache MXNet: a graph as JSON, and its parameters."""

from __future__ import annotations

import re

from aimass.formats.content import Content
from aimass.formats.converter import Converter

_GRAPH = re.compile(rb'\s*\{\s*"nodes"\s*:\s*\[\s*\{\s*"op"\s*:\s*"')
_PARAMETERS = (0x112).to_bytes(8, "little") + bytes(8)  # kMXAPINDArrayListMagic, and a reserved zero


def _recognise(content: Content) -> str | None:
    head = content[:256]
    return "mxnet" if head[: len(_PARAMETERS)] == _PARAMETERS or _GRAPH.match(head) else None


CONVERTER = Converter(
    titles={"mxnet": "an MXNet model (-symbol.json, .params)"},
    recognise=_recognise,
    refused={"mxnet": "convert it with mx.onnx.export_model of MXNet 1.9"},
)

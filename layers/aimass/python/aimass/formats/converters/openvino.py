"""OpenVINO, an XML document with its weights beside it: looked at, never parsed."""

from __future__ import annotations

import re

from aimass.formats.content import Content
from aimass.formats.converter import Converter

_HEAD = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?<net\s", re.S)


def _recognise(content: Content) -> str | None:
    return "openvino" if _HEAD.match(content[:1024]) else None


CONVERTER = Converter(
    titles={"openvino": "an OpenVINO model (.xml)"},
    recognise=_recognise,
    refused={"openvino": "OpenVINO writes no ONNX; send the model that it was made from"},
)

"""PMML, an XML document: looked at, never parsed."""

from __future__ import annotations

import re

from aimass.formats.content import Content
from aimass.formats.converter import Converter

_HEAD = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<(?:\w+:)?PMML[\s>]", re.S)


def _recognise(content: Content) -> str | None:
    return "pmml" if _HEAD.match(content[:1024]) else None


CONVERTER = Converter(
    titles={"pmml": "a PMML document"},
    recognise=_recognise,
    refused={"pmml": "export the model to ONNX from the library that trained it (skl2onnx for scikit-learn)"},
)

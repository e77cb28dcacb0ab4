"""Darknet: YOLO's configuration and weights."""

from __future__ import annotations

import re

from aimass.formats.content import Content
from aimass.formats.converter import Converter

_CONFIGURATION = re.compile(rb"(?:[#;][^\n]*\n|\s)*\[(?:net|network)\]\s*\n")
_VERSIONS = tuple(b"".join(number.to_bytes(4, "little") for number in one) for one in ((0, 1, 0), (0, 2, 0), (0, 2, 5)))


def _recognise(content: Content) -> str | None:
    head = content[:1024]
    return "darknet" if head[:12] in _VERSIONS or _CONFIGURATION.match(head) else None


CONVERTER = Converter(
    titles={"darknet": "a Darknet model (.cfg, .weights)"},
    recognise=_recognise,
    structural=True,
    refused={"darknet": "load it in PyTorch with pytorch-YOLOv4's tool and export it with torch.onnx.export"},
)

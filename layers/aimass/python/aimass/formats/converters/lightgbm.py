"""LightGBM."""

from __future__ import annotations

import re
from pathlib import Path

from aimass.formats.content import Content
from aimass.formats.converter import Candidate, Converter, Original

_HEAD = 128
_HEADS = (
    ("lightgbm", re.compile(rb"tree\r?\nversion=v\d")),
    ("lightgbm-dump", re.compile(rb'\s*\{\s*"name"\s*:\s*"tree"\s*,\s*"version"\s*:\s*"v\d')),
)


def _recognise(content: Content) -> str | None:
    head = content[:_HEAD]
    return next((name for name, pattern in _HEADS if pattern.match(head)), None)


def _open(folder: Path, candidate: Candidate) -> Original:
    from aimass.formats.converters._lightgbm import open_file

    return open_file(folder, candidate)


CONVERTER = Converter(
    titles={"lightgbm": "a LightGBM model (.txt)", "lightgbm-dump": "a JSON dump of a LightGBM model"},
    environment="trees",
    recognise=_recognise,
    open=_open,
    accepted="LightGBM (.txt)",
    refused={"lightgbm-dump": "LightGBM cannot load its dump either; send what save_model('model.txt') writes"},
    remedy="save it again with a current LightGBM: model.save_model('model.txt')",
)

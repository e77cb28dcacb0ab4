"""CatBoost."""

from __future__ import annotations

import re
from pathlib import Path

from aimass.formats.content import Content
from aimass.formats.converter import Candidate, Converter, Original

_JSON = re.compile(rb'\s*\{\s*"(ctr_data|features_info)"\s*:\s*\{')


def _recognise(content: Content) -> str | None:
    head = content[:128]
    if head[:4] == b"CBM1":
        return "catboost"
    return "catboost-json" if _JSON.match(head) else None


def _open(folder: Path, candidate: Candidate) -> Original:
    from aimass.formats.converters._catboost import open_file

    return open_file(folder, candidate)


CONVERTER = Converter(
    titles={"catboost": "a CatBoost model (.cbm)", "catboost-json": "a CatBoost model (.json)"},
    environment="trees",
    recognise=_recognise,
    open=_open,
    accepted="CatBoost (.cbm)",
    refused={"catboost-json": "save it as save_model('model.cbm')"},
    remedy="export it with save_model('model.onnx', format='onnx') where it was trained",
)

"""XGBoost (xgboost/doc/tutorials/saving_model)."""

from __future__ import annotations

import re
from pathlib import Path

from aimass.formats.content import Content
from aimass.formats.converter import Candidate, Converter, Original

_HEAD = 256
_HEADS = (
    ("xgboost-json", re.compile(rb'\s*\{\s*"(learner"|version"\s*:\s*\[\s*\d+\s*,.{0,40}"learner")', re.S)),
    ("xgboost-ubj", re.compile(rb"\{[LliIU][\x00-\x08]{1,8}learner", re.S)),
    ("xgboost-binary", re.compile(rb"binf|bs64")),
    ("xgboost-dump", re.compile(rb'booster\[0\]:\r?\n|\[\s*\{\s*"nodeid"\s*:\s*0\s*,')),
)


def _recognise(content: Content) -> str | None:
    head = content[:_HEAD]
    return next((name for name, pattern in _HEADS if pattern.match(head)), None)


def _open(folder: Path, candidate: Candidate) -> Original:
    from aimass.formats.converters._xgboost import open_file

    return open_file(folder, candidate)


CONVERTER = Converter(
    titles={
        "xgboost-json": "an XGBoost model (.json)",
        "xgboost-ubj": "an XGBoost model (.ubj)",
        "xgboost-binary": "an XGBoost model (old binary format)",
        "xgboost-dump": "a dump of XGBoost's trees",
    },
    environment="trees",
    recognise=_recognise,
    open=_open,
    accepted="XGBoost (.json, .ubj)",
    refused={
        "xgboost-binary": "load it with XGBoost 1.6 to 3.0 and save it with save_model('model.json')",
        "xgboost-dump": "a dump is for reading and XGBoost cannot load it; send what save_model('model.json') writes",
    },
    remedy="save it again with a current XGBoost: model.save_model('model.json')",
)

"""XGBoost (xgboost/doc/tutorials/saving_model)."""

from __future__ import annotations

import re

from aimass.formats.converter import Converter
from aimass.formats.converters._heads import by_head
from aimass.formats.converters._opening import opened_by

_HEAD = 256
_HEADS = (
    ("xgboost-json", re.compile(rb'\s*\{\s*"(learner"|version"\s*:\s*\[\s*\d+\s*,.{0,40}"learner")', re.S)),
    ("xgboost-ubj", re.compile(rb"\{[LliIU][\x00-\x08]{1,8}learner", re.S)),
    ("xgboost-binary", re.compile(rb"binf|bs64")),
    ("xgboost-dump", re.compile(rb'booster\[0\]:\r?\n|\[\s*\{\s*"nodeid"\s*:\s*0\s*,')),
)

CONVERTER = Converter(
    titles={
        "xgboost-json": "an XGBoost model (.json)",
        "xgboost-ubj": "an XGBoost model (.ubj)",
        "xgboost-binary": "an XGBoost model (old binary format)",
        "xgboost-dump": "a dump of XGBoost's trees",
    },
    environment="trees",
    recognise=by_head(_HEADS, _HEAD),
    open=opened_by("_xgboost_file"),
    accepted="XGBoost (.json, .ubj)",
    refused={
        "xgboost-binary": "load it with XGBoost 1.6 to 3.0 and save it with save_model('model.json')",
        "xgboost-dump": "a dump is for reading and XGBoost cannot load it; send what save_model('model.json') writes",
    },
    remedy="save it again with a current XGBoost: model.save_model('model.json')",
)

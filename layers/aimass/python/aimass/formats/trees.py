"""Gradient-boosted trees in their libraries' own formats."""

from __future__ import annotations

import re

from aimass.formats.content import Content

TITLES = {
    "xgboost-json": "an XGBoost model (.json)",
    "xgboost-ubj": "an XGBoost model (.ubj)",
    "xgboost-binary": "an XGBoost model (old binary format)",
    "lightgbm": "a LightGBM model (.txt)",
    "catboost": "a CatBoost model (.cbm)",
}
_HEAD = 128
_HEADS = (
    ("xgboost-json", re.compile(rb'\s*\{\s*"(learner"|version"\s*:\s*\[\s*\d+\s*,.{0,40}"learner")', re.S)),
    ("xgboost-ubj", re.compile(rb"\{[LliIU][\x00-\x08]{1,8}learner", re.S)),
    ("xgboost-binary", re.compile(rb"binf")),
    ("lightgbm", re.compile(rb"tree\r?\nversion=v\d")),
    ("catboost", re.compile(rb"CBM1")),
)


def recognise(content: Content) -> str | None:
    head = content[:_HEAD]
    return next((name for name, pattern in _HEADS if pattern.match(head)), None)

"""LightGBM."""

from __future__ import annotations

import re

from aimass.formats.converter import Converter
from aimass.formats.converters._heads import by_head
from aimass.formats.converters._opening import opened_by

_HEAD = 128
_HEADS = (
    ("lightgbm", re.compile(rb"tree\r?\nversion=v\d")),
    ("lightgbm-dump", re.compile(rb'\s*\{\s*"name"\s*:\s*"tree"\s*,\s*"version"\s*:\s*"v\d')),
)

CONVERTER = Converter(
    titles={"lightgbm": "a LightGBM model (.txt)", "lightgbm-dump": "a JSON dump of a LightGBM model"},
    environment="trees",
    recognise=by_head(_HEADS, _HEAD),
    open=opened_by("_lightgbm"),
    accepted="LightGBM (.txt)",
    refused={"lightgbm-dump": "LightGBM cannot load its dump either; send what save_model('model.txt') writes"},
    remedy="save it again with a current LightGBM: model.save_model('model.txt')",
)

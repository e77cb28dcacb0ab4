"""CatBoost."""

from __future__ import annotations

import re

from aimass.formats.content import Content
from aimass.formats.converter import Converter
from aimass.formats.converters._opening import opened_by

_JSON = re.compile(rb'\s*\{\s*"(ctr_data|features_info)"\s*:\s*\{')


def _recognise(content: Content) -> str | None:
    head = content[:128]
    if head[:4] == b"CBM1":
        return "catboost"
    return "catboost-json" if _JSON.match(head) else None


CONVERTER = Converter(
    titles={"catboost": "a CatBoost model (.cbm)", "catboost-json": "a CatBoost model (.json)"},
    environment="trees",
    recognise=_recognise,
    open=opened_by("_catboost"),
    accepted="CatBoost (.cbm)",
    refused={"catboost-json": "save it as save_model('model.cbm')"},
    remedy="save it again with a current CatBoost: model.save_model('model.cbm')",
)

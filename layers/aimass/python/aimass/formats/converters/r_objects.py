"""R: what saveRDS and save have written, compressed or not."""

from __future__ import annotations

import re

from aimass.formats.content import Content
from aimass.formats.converter import Converter

_HEAD = re.compile(rb"(?:RD[XAB][23]\n)?(?:X\n\x00\x00\x00[\x02\x03]|A\n[23]\n\d+\n)")


def _recognise(content: Content) -> str | None:
    return "r-object" if _HEAD.match(content[:32]) else None


CONVERTER = Converter(
    titles={"r-object": "an R object (.rds, .RData)"},
    recognise=_recognise,
    compressed=frozenset({"r-object"}),
    refused={
        "r-object": "save the model in its library's own format, as xgb.save and lgb.save do for XGBoost and LightGBM,"
        " or train it in Python"
    },
)

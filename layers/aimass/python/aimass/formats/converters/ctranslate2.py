"""CTranslate2 (OpenNMT/CTranslate2, src/models/model.cc)."""

from __future__ import annotations

import re

from aimass.formats.content import Content
from aimass.formats.converter import Converter

# A version, the length of a name with its zero byte, and the name of a specification.
_HEAD = re.compile(rb"[\x01-\x0f]\x00\x00\x00[\x02-\x7f]\x00\w+Spec\x00")


def _recognise(content: Content) -> str | None:
    return "ctranslate2" if _HEAD.match(content[:140]) else None


CONVERTER = Converter(
    titles={"ctranslate2": "a CTranslate2 model (model.bin)"},
    recognise=_recognise,
    refused={"ctranslate2": "send the Hugging Face folder that it was converted from"},
)

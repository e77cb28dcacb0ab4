"""fastText (facebookresearch/fastText, src/fasttext.cc)."""

from __future__ import annotations

from aimass.formats.content import Content
from aimass.formats.converter import Converter

_MAGIC = (793712314).to_bytes(4, "little")


def _recognise(content: Content) -> str | None:
    return "fasttext" if content[:4] == _MAGIC else None


CONVERTER = Converter(
    titles={"fasttext": "a fastText model (.bin)"},
    recognise=_recognise,
    refused={"fasttext": "no converter keeps its subwords; train a text classifier of scikit-learn and send that"},
)

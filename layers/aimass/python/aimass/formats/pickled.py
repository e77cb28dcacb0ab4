"""Python pickles, which are programs: never loaded, only looked at."""

from __future__ import annotations

from aimass.formats.content import Content

TITLES = {
    "pytorch-legacy": "PyTorch weights (.pth, from before PyTorch 1.6)",
    "sklearn": "a pickled scikit-learn model (joblib, pickle)",
    "pickle": "a Python pickle",
}
_TORCH_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_PROTOCOLS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_HEAD = 512


def recognise(content: Content) -> str | None:
    head = content[:_HEAD]
    if head[:2] not in _PROTOCOLS or len(head) < 4:
        return None
    if head[2 : 2 + len(_TORCH_MAGIC)] == _TORCH_MAGIC:
        return "pytorch-legacy"
    return "sklearn" if b"sklearn" in head else "pickle"

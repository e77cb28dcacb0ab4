"""scikit-learn: skops files, and pickles, which are programs. Recognising never loads one."""

from __future__ import annotations

import re
from pathlib import Path

from aimass.formats.content import Content
from aimass.formats.converter import Candidate, Converter
from aimass.formats.converters._opening import opened_by

_HEAD = 512
_PROTOCOLS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
# Protocols 0 and 1 have no mark; they begin with a global or an empty container, memorised or called, and end in a dot.
_OLD = re.compile(rb"\(*c[A-Za-z_][\w.]*\n\w[\w.]*\n(?:p\d+\n|q.|\(S['\"]|\(t|\)R)|\([dl]p\d+\n|[\]}]q\x00", re.S)
_TORCH_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_LZ4, _OLD_JOBLIB = b"\x04\x22\x4d\x18", b"ZF0x"


def _recognise(content: Content) -> str | None:
    head = content[:_HEAD]
    if head[: len(_LZ4)] == _LZ4:
        return "lz4"
    if head[: len(_OLD_JOBLIB)] == _OLD_JOBLIB:
        return "joblib-old"
    if not (head[:2] in _PROTOCOLS and len(head) >= 4) and not (_OLD.match(head) and _ends(content)):
        return None
    if head[2 : 2 + len(_TORCH_MAGIC)] == _TORCH_MAGIC:
        return None
    return "sklearn" if b"sklearn" in head else "pickle"


def _ends(content: Content) -> bool:
    return content[-1:] == b"."


def _scan(folder: Path, candidate: Candidate) -> str:
    from aimass.formats.pickle_gate import scan

    return scan(folder / candidate.main)


CONVERTER = Converter(
    titles={
        "skops": "a scikit-learn model (skops)",
        "sklearn": "a pickled scikit-learn model (joblib, pickle)",
        "pickle": "a Python pickle",
        "lz4": "an lz4-compressed file",
        "joblib-old": "a joblib file from before joblib 0.10",
    },
    environment="trees",
    recognise=_recognise,
    open=opened_by("_sklearn_file"),
    scan=_scan,
    members=(("skops", ("schema.json", "![!0-9s]*", "!s[!c]*")),),  # beside it only numbers, with any ending
    compressed=frozenset({"sklearn", "pickle"}),
    program=frozenset({"sklearn", "pickle"}),
    accepted="scikit-learn (skops, joblib, pickle)",
    refused={
        "lz4": "if it is a joblib file, save it again with joblib.dump(model, 'model.joblib', compress=3)",
        "joblib-old": "load it and save it again with a current joblib",
    },
    remedy="save the fitted estimator with a current scikit-learn, by skops or joblib.dump",
)

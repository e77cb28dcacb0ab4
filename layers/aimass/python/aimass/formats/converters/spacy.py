"""spaCy: a folder of pipeline components."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from aimass.formats import json_object
from aimass.formats.converter import Candidate, Converter, Tree


def _find(tree: Tree) -> Sequence[Candidate]:
    return [
        _pipeline(tree, path)
        for path in tree.kinds
        if PurePosixPath(path).name == "meta.json"
        and (PurePosixPath(path).parent / "config.cfg").as_posix() in tree.kinds
        and "spacy_version" in (json_object.read(tree.root / path) or {})
    ][:2]


def _pipeline(tree: Tree, path: str) -> Candidate:
    folder = PurePosixPath(path).parent
    return Candidate(
        "spacy", (path,), hides=tuple(one for one in tree.kinds if PurePosixPath(one).is_relative_to(folder))
    )


CONVERTER = Converter(
    titles={"spacy": "a spaCy pipeline"},
    find=_find,
    refused={"spacy": "a pipeline is a program of spaCy's; export the transformer in it as a Hugging Face folder"},
)

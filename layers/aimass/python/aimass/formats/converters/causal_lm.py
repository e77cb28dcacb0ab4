"""Hugging Face folders of language models: kept as they are."""

from __future__ import annotations

from collections.abc import Sequence

from aimass.formats.converter import Candidate, Converter, Tree
from aimass.formats.converters._transformers import candidate, folders


def _find(tree: Tree) -> Sequence[Candidate]:
    return [candidate(tree, folder, "causal-lm") for folder in folders(tree) if folder.generates]


CONVERTER = Converter(titles={"causal-lm": "a language model (Hugging Face folder)"}, find=_find)

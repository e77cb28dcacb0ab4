"""GGUF language models: kept as they are, described by their own metadata."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from aimass.formats.content import Content, mapped
from aimass.formats.converter import Candidate, Converter, Tree
from aimass.formats.gguf_header import MAGIC, Header, read_header
from aimass.formats.member import shown

_LONGEST = 200
# llama.cpp's `llama_ftype`.
_FILE_TYPES = {0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S"}
_FILE_TYPES |= {12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K"}
_FILE_TYPES |= {19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL"}
_FILE_TYPES |= {26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16"}


def _recognise(content: Content) -> str | None:
    return "gguf" if content[:4] == MAGIC else None


def _find(tree: Tree) -> Sequence[Candidate]:
    """One a file; the parts of a model that was split, all in one folder, are one."""
    headers: dict[str, Header] = {}
    for path in tree.of("gguf"):
        with mapped(tree.root / path) as content:
            headers[path] = read_header(content, shown(path))
    split: dict[tuple[str, int], list[str]] = defaultdict(list)
    for path, header in headers.items():
        if (parts := _number(header, "split.count")) > 1:
            split[PurePosixPath(path).parent.as_posix(), parts].append(path)
    whole = [sorted(paths, key=lambda path: _number(headers[path], "split.no")) for paths in split.values()]
    complete = [paths for paths in whole if len(paths) == _number(headers[paths[0]], "split.count")]
    rest = headers.keys() - {path for paths in complete for path in paths}
    return [
        Candidate("gguf", tuple(paths), _facts([headers[path] for path in paths]))
        for paths in (*complete, *([path] for path in sorted(rest)))
    ]


def _facts(headers: Sequence[Header]) -> Mapping[str, Any]:
    told = headers[0].metadata
    architecture = _text(told.get("general.architecture"))
    facts = {
        "framework": f"GGUF {headers[0].version}",
        "architecture": architecture,
        "name": _text(told.get("general.name")),
        "size": _text(told.get("general.size_label")),
        "licence": _text(told.get("general.license")),
        "context_length": _number(headers[0], f"{architecture}.context_length"),
        "quantization": _FILE_TYPES.get(_number(headers[0], "general.file_type", -1)),
        "tokenizer": _text(told.get("tokenizer.ggml.model")),
        "vocabulary": _number(headers[0], "tokenizer.ggml.tokens"),
        "chat_template": "tokenizer.chat_template" in told or None,
        "tensors": sum(header.tensors for header in headers),
        "parameter_count": sum(header.parameters for header in headers),
    }
    return {key: value for key, value in facts.items() if value}


def _text(value: Any) -> str | None:
    return shown(value)[:_LONGEST] if isinstance(value, str) else None


def _number(header: Header, key: str, otherwise: int = 0) -> int:
    value = header.metadata.get(key)
    return value if type(value) is int else otherwise


CONVERTER = Converter(
    titles={"gguf": "a GGUF language model"},
    recognise=_recognise,
    find=_find,
    accepted="GGUF and causal language models (kept for a language-model target)",
)

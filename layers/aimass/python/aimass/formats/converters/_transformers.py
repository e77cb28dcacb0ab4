"""A folder as Hugging Face's transformers saves it: what of it makes the model, and what its configuration says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from aimass.domain.errors import ExternalDataMissing
from aimass.formats import json_object
from aimass.formats.content import mapped
from aimass.formats.converter import Candidate, Tree
from aimass.formats.member import shown
from aimass.formats.safetensors_header import Tensor, read_header

_CONFIG = "config.json"
_WEIGHTS = {
    "model.safetensors": frozenset({"safetensors"}),
    "pytorch_model.bin": frozenset({"pytorch", "pytorch-legacy"}),
}
_INDEX = ".index.json"
_SMALL = (
    "tokenizer*.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "*preprocessor_config.json",
    "processor_config.json",
    "generation_config.json",
    "chat_template.j*",
    "modules.json",
    "config_sentence_transformers.json",
    "sentence_*_config.json",
    "[0-9]_*/config.json",
    "[0-9]_*/model.safetensors",
)
_GENERATES = re.compile(r"(ForCausalLM|LMHeadModel|ForConditionalGeneration)$")
_MOST_FILES, _LONGEST = 1000, 200
_MOST_FOLDERS = 16  # of which more than one is too many already
_MOST_CONFIGS = 64  # whose weights are looked for, among all files
_CONTEXT = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length")


@dataclass(frozen=True)
class Folder:
    """A folder with a configuration and weights. `weights` and `small` are files of it, by their paths in the tree.

    `pickled` says that weights are a pickle, which is a program, whatever they are called.
    """

    path: PurePosixPath
    config: Mapping[str, Any]
    weights: tuple[str, ...]
    small: tuple[str, ...]
    pickled: bool

    @property
    def architecture(self) -> str | None:
        named = self.config.get("architectures")
        first = named[0] if isinstance(named, list) and named else None
        return first[:_LONGEST] if isinstance(first, str) else None

    @property
    def generates(self) -> bool:
        """Whether it writes text, token by token, which no single run of a graph does."""
        return _GENERATES.search(self.architecture or "") is not None


def folders(tree: Tree) -> Iterator[Folder]:
    """The folders that hold a model. Raises ExternalDataMissing for one that lacks a part of its weights."""
    return islice(_folders(tree), _MOST_FOLDERS)


def _folders(tree: Tree) -> Iterator[Folder]:
    for folder, config in islice(_configured(tree), _MOST_CONFIGS):
        if weights := _weights(tree, folder):
            pickled = any(tree.kinds[path] in _WEIGHTS["pytorch_model.bin"] for path in weights)
            yield Folder(folder, config, weights, tuple(_small(tree, folder)), pickled)


def _configured(tree: Tree) -> Iterator[tuple[PurePosixPath, Mapping[str, Any]]]:
    """Each folder with the configuration of a model, and that."""
    for path in tree.kinds:
        if PurePosixPath(path).name == _CONFIG:
            config = json_object.read(tree.root / path) or {}
            if isinstance(config.get("model_type"), str) or isinstance(config.get("architectures"), list):
                yield PurePosixPath(path).parent, config


def candidate(tree: Tree, folder: Folder, name: str) -> Candidate:
    """The folder as one model, which hides what else lies in it."""
    files = (_join(folder.path, _CONFIG), *folder.weights, *folder.small)
    hides = tuple(path for path in tree.kinds if PurePosixPath(path).is_relative_to(folder.path) and path not in files)
    return Candidate(name, files, _facts(tree, folder), hides)


def _join(folder: PurePosixPath, name: str) -> str:
    return (folder / name).as_posix()


def _weights(tree: Tree, folder: PurePosixPath) -> tuple[str, ...]:
    """Safetensors before a pickle, one file before parts, and where nothing has such a name the only weights there are.

    A file counts by its content, whatever it is called.
    """
    for name, kinds in _WEIGHTS.items():
        if tree.kinds.get(whole := _join(folder, name)) in kinds:
            return (whole,)
        if (index := _join(folder, name + _INDEX)) in tree.kinds:
            return (index, *_parts(tree, folder, index, kinds))
    kinds = frozenset().union(*_WEIGHTS.values())
    others = [path for path in tree.of(*kinds) if PurePosixPath(path).parent == folder]
    return (others[0],) if len(others) == 1 else ()


def _parts(tree: Tree, folder: PurePosixPath, index: str, kinds: frozenset[str]) -> Sequence[str]:
    told = (json_object.read(tree.root / index) or {}).get("weight_map")
    names = dict.fromkeys(told.values()) if isinstance(told, dict) and all(map(_is_name, told.values())) else {}
    if not 0 < len(names) <= _MOST_FILES:
        raise ExternalDataMissing(f"{shown(index)} names no parts, or not as plain file names", file=shown(index))
    for name in names:
        if tree.kinds.get(_join(folder, name)) not in kinds:
            text = f"'{shown(name)}', which {shown(index)} names, is not among the weights uploaded"
            raise ExternalDataMissing(text, file=shown(name))
    return [_join(folder, name) for name in names]


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value not in {"", ".", ".."} and not set(value) & set("/\\\0")


def _small(tree: Tree, folder: PurePosixPath) -> Iterator[str]:
    for path in tree.kinds:
        if PurePosixPath(path).is_relative_to(folder):
            inside = PurePosixPath(path).relative_to(folder).as_posix()
            if any(fnmatchcase(inside, pattern) and inside.count("/") == pattern.count("/") for pattern in _SMALL):
                yield path


def _facts(tree: Tree, folder: Folder) -> Mapping[str, Any]:
    config = folder.config
    texts = {key: config.get(key) for key in ("model_type", "problem_type", "dtype", "torch_dtype")}
    facts: dict[str, Any] = {key: value[:_LONGEST] for key, value in texts.items() if isinstance(value, str)}
    facts["dtype"] = facts.pop("torch_dtype", None) or facts.get("dtype")
    facts["framework"] = framework(config)
    facts["architecture"] = folder.architecture
    numbers = [config.get(key) for key in _CONTEXT]
    facts["context_length"] = next((value for value in numbers if type(value) is int and 0 < value < 1 << 40), None)
    tensors = [
        tensor for path in folder.weights if tree.kinds[path] == "safetensors" for tensor in _tensors(tree, path)
    ]
    facts["tensors"] = len(tensors)
    facts["parameter_count"] = sum(tensor.elements for tensor in tensors)
    return {key: value for key, value in facts.items() if value}


def framework(config: Mapping[str, Any]) -> str:
    """`transformers`, with the version that saved the folder."""
    version = config.get("transformers_version")
    return f"transformers {version[:20]}" if isinstance(version, str) and version else "transformers"


def _tensors(tree: Tree, path: str) -> Sequence[Tensor]:
    with mapped(tree.root / path) as content:
        return [*read_header(content, shown(path)).values()]

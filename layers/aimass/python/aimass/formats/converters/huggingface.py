"""Hugging Face folders of encoders and classifiers, and what else is found there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path, PurePosixPath

from aimass.formats import json_object
from aimass.formats.converter import Candidate, Converter, Original, Tree
from aimass.formats.converters._transformers import Folder, candidate, folders

_REFUSED = {"adapter_config.json": ("peft-adapter", "peft_type"), "model_index.json": ("diffusers", "_class_name")}

_MOST_OTHERS = 16  # of which one is too many already, and each is held against every file


def _find(tree: Tree) -> Sequence[Candidate]:
    found = [candidate(tree, folder, _kind(folder)) for folder in folders(tree) if not folder.generates]
    others = (one for path in tree.kinds if (one := _other(tree, path)))
    return [*found, *islice(others, _MOST_OTHERS)]


def _kind(folder: Folder) -> str:
    return "huggingface-pickled" if folder.pickled else "huggingface"


def _other(tree: Tree, path: str) -> Candidate | None:
    """An adapter or a pipeline, by the file that lies at its top; all else in that folder is its own."""
    kind, key = _REFUSED.get(PurePosixPath(path).name, ("", ""))
    if not kind or not isinstance((json_object.read(tree.root / path) or {}).get(key), str):
        return None
    folder = PurePosixPath(path).parent
    return Candidate(
        kind, (path, *(one for one in tree.kinds if one != path and PurePosixPath(one).is_relative_to(folder)))
    )


def _open(folder: Path, candidate: Candidate) -> Original:
    from aimass.formats.converters._transformers_onnx import open_folder

    return open_folder(folder, candidate)


def _scan(folder: Path, candidate: Candidate) -> str:
    from aimass.formats.converters._torch_archive import scan_pickled

    return scan_pickled(folder, candidate)


CONVERTER = Converter(
    titles={
        "huggingface": "a Hugging Face folder",
        "huggingface-pickled": "a Hugging Face folder with pickled weights",
        "peft-adapter": "an adapter of a Hugging Face model (PEFT)",
        "diffusers": "a diffusion pipeline (diffusers)",
    },
    environment="torch",
    find=_find,
    open=_open,
    scan=_scan,
    program=frozenset({"huggingface-pickled"}),
    accepted="Hugging Face folders (config.json, safetensors, tokenizer)",
    refused={
        "peft-adapter": "merge it into its model with merge_and_unload() and send what save_pretrained() writes then",
        "diffusers": "export its parts with optimum-cli export onnx and send each as a model",
    },
    remedy="export it with optimum-cli export onnx and send the folder",
)

"""Uploads that lack the very weights are refused with what is missing and where it goes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aimass.domain.errors import ExternalDataMissing, ImportRefused, TruncatedModel
from aimass.sandbox.identify import Identified, identify_folder
from aimass.sandbox.limits import MIB, Limits
from tests.unit.sandbox.graphs import relu

LIMITS = Limits(seconds=30, memory_bytes=1024 * MIB, file_bytes=64 * MIB)
CONFIG = json.dumps({"architectures": ["BertForSequenceClassification"], "model_type": "bert"}).encode()
TOKENIZER = {"tokenizer.json": b"{}", "vocab.txt": b"[PAD]\n"}


def identify(folder: Path, members: dict[str, bytes]) -> Identified:
    for name, content in members.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return identify_folder(folder, LIMITS)


@pytest.mark.parametrize(
    "beside", [TOKENIZER, {"flax_model.msgpack": b"\x83\xa4\xff"}, {}], ids=["tokenizer", "flax", "alone"]
)
def test_a_configuration_without_weights_names_the_model_and_what_to_add(
    tmp_path: Path, beside: dict[str, bytes]
) -> None:
    told = r"^config.json describes a model \(BertForSequenceClassification\) whose weights.*put model.safetensors"
    with pytest.raises(ExternalDataMissing, match=told):
        identify(tmp_path, beside | {"config.json": CONFIG})


def test_weights_that_git_left_where_they_were_are_told_from_weights(tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n"
    members = TOKENIZER | {"m/config.json": CONFIG, "m/model.safetensors": pointer}
    with pytest.raises(ExternalDataMissing, match=r"^m/model.safetensors: a Git LFS pointer.*run `git lfs pull`"):
        identify(tmp_path, members)


@pytest.mark.parametrize(
    "body", [b"{}", b'{"architectures": []}', b'{"model_type": 1}', b"[1]", b'{"a":' * 9000], ids=range(5)
)
def test_another_configuration_is_no_model(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(ImportRefused, match="no model found"):
        identify(tmp_path, {"config.json": body, "a.md": b"text"})


def test_a_model_that_is_cut_short_beside_its_configuration_is_what_is_told(tmp_path: Path) -> None:
    with pytest.raises(TruncatedModel):
        identify(tmp_path, {"config.json": CONFIG, "model.onnx": relu().SerializeToString()[:-9]})

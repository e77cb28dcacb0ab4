"""Which files of a folder with Hugging Face's config.json make its model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aimass.formats.converter import Candidate, Tree
from aimass.formats.converters.huggingface import CONVERTER


def _found(root: Path, **kinds: str) -> list[Candidate]:
    (root / "config.json").write_text(json.dumps({"model_type": "bert", "architectures": ["BertModel"]}))
    return [*CONVERTER.candidates(Tree(root, {"config.json": "json", **kinds}))]


@pytest.mark.parametrize("kind", ["pytorch", "pytorch-legacy"])
def test_the_only_weights_are_the_models_whatever_their_name(tmp_path: Path, kind: str) -> None:
    (found,) = _found(tmp_path, **{"best.pt": kind})

    assert (found.format, found.files) == ("huggingface-pickled", ("config.json", "best.pt"))


def test_of_several_weights_none_is_guessed(tmp_path: Path) -> None:
    assert _found(tmp_path, **{"best.pt": "pytorch", "last.pt": "pytorch"}) == []


def test_weights_of_the_usual_name_go_before_others(tmp_path: Path) -> None:
    (found,) = _found(tmp_path, **{"optimizer.pt": "pytorch", "pytorch_model.bin": "pytorch"})

    assert (found.files, found.hides) == (("config.json", "pytorch_model.bin"), ("optimizer.pt",))


def test_parts_that_are_pickled_make_a_program_whatever_their_names(tmp_path: Path) -> None:
    """What is no program is not scanned."""
    index = "pytorch_model.bin.index.json"
    (tmp_path / index).write_text(json.dumps({"weight_map": {"a": "one.weights", "b": "two.weights"}}))

    (found,) = _found(tmp_path, **{index: "json", "one.weights": "pytorch", "two.weights": "pytorch"})

    assert found.format == "huggingface-pickled"
    assert found.format in CONVERTER.program

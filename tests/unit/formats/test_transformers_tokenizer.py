"""A tokenizer made of a folder's vocabulary, by a library that is not here."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aimass.formats.converters._transformers_tokenizer import write_tokenizer


def _library(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """transformers, as far as it is asked, which fails."""

    def from_pretrained(*_: Any, **__: Any) -> None:
        raise error

    library = SimpleNamespace(AutoTokenizer=SimpleNamespace(from_pretrained=from_pretrained))
    monkeypatch.setitem(sys.modules, "transformers", library)


def _written(folder: Path) -> list[str]:
    (folder / "vocab.txt").write_text("[PAD]\nhello\n")
    return [*write_tokenizer(folder, folder)]


def test_what_the_library_makes_of_a_vocabulary_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _library(monkeypatch, KeyError("unk_token"))
    (note,) = _written(tmp_path)
    assert "none can be made of vocab.txt ('unk_token')" in note


def test_too_little_memory_is_no_fault_of_the_vocabulary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _library(monkeypatch, MemoryError())
    with pytest.raises(MemoryError):
        _written(tmp_path)

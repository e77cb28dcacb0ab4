"""A tokenizer of another model is found when it comes, and not by the first text with a word too many."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aimass.domain.errors import InvalidDescription
from aimass.sandbox.limits import MIB, Limits
from aimass.sandbox.tokenizer import check_tokenizer

LIMITS = Limits(seconds=60, memory_bytes=4096 * MIB, file_bytes=512 * MIB)
ADDED = {
    "id": 10,
    "content": "[MASK]",
    "single_word": False,
    "lstrip": False,
    "rstrip": False,
    "normalized": False,
    "special": True,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Ids 0 to 9, and one that was added."""
    vocab = {"[UNK]": 0} | {f"word{number}": number for number in range(1, 10)}
    model = {"type": "WordLevel", "vocab": vocab, "unk_token": "[UNK]"}
    path = tmp_path / "file"
    path.write_text(json.dumps({"version": "1.0", "added_tokens": [ADDED], "model": model}))
    return path


def test_one_with_more_words_than_the_model_is_refused_with_both_numbers(file: Path) -> None:
    told = r"'tokenizer.json' has ids up to 9, and the model's are below 9 \(vocab_size in config.json\): send the tok"
    with pytest.raises(InvalidDescription, match=told) as refused:
        check_tokenizer(file, "tokenizer.json", LIMITS, 9)
    assert [*refused.value.details["fields"]] == ["input.text.tokenizer"]


@pytest.mark.parametrize("vocab_size", [10, 32_000, None, "9", 0, -1, 9.5, True, [1]])
def test_one_that_fits_or_of_which_nothing_is_known_is_taken(file: Path, vocab_size: Any) -> None:
    assert check_tokenizer(file, "tokenizer.json", LIMITS, vocab_size).truncated_to is None

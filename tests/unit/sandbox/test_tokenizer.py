"""Tokenizer files in the sandbox: measured, and refused where they take more memory than a call may."""

import json
import random
import string

import pytest

from aimass.domain.errors import InvalidDescription
from aimass.sandbox.limits import MIB, Limits
from aimass.sandbox.tokenizer import check_tokenizer

LIMITS = Limits(seconds=60, memory_bytes=4096 * MIB, file_bytes=512 * MIB)


def unigram(words):
    """Random words of 8 letters share few beginnings, and each node of the trie is a map: 90 times the file."""
    letters = random.Random(1)
    vocab = [["<unk>", 0.0], *(["".join(letters.choices(string.ascii_lowercase, k=8)), -1.0] for _ in range(words))]
    return json.dumps({"version": "1.0", "added_tokens": [], "model": {"type": "Unigram", "unk_id": 0, "vocab": vocab}})


@pytest.fixture
def check(tmp_path):
    def run(content, limits=LIMITS):
        path = tmp_path / "file"
        path.write_text(content)
        return check_tokenizer(path, "texts/mine.json", limits)

    return run


def test_what_a_tokenizer_takes_open_is_measured_and_not_told_from_its_file(check):
    content = unigram(20_000)
    found = check(content)
    assert found.truncated_to is None
    assert 40 * len(content) < found.memory < 384 * MIB


@pytest.mark.parametrize(("words", "takes"), [(280_000, r"\d+ MiB"), (700_000, "more")])
def test_a_tokenizer_that_takes_too_much_is_refused_also_where_its_library_dies_of_it(check, words, takes):
    with pytest.raises(
        InvalidDescription,
        match=f"'texts/mine.json' may take 384 MiB of memory once it is open, and takes {takes}: use",
    ) as refused:
        check(unigram(words))
    assert list(refused.value.details["fields"]) == ["input.text.tokenizer"]

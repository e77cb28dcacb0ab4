"""Texts that are longer than there is room for end where a reader would."""

import pytest

from aimass.domain.cut import cut


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a short text", "a short text"),
        ("exactly twenty chars", "exactly twenty chars"),
        ("first words; second one is long", "first words…"),
        ("one. two. three. four. five", "one. two. three…"),
        ("a. several words follow here", "a. several words…"),
        ("x" * 30, "x" * 19 + "…"),
    ],
)
def test_a_long_text_ends_at_a_sentence_or_a_word(text, kept):
    assert cut(text, 20) == kept
    assert len(kept) <= 20

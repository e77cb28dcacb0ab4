"""What a vectorizer calls a word is said to the runtime so that it finds the same, or the model is refused."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.pipeline import make_pipeline

from aimass.domain.errors import ConversionFailed
from aimass.formats.converters._sklearn_texts import text_options

TEXTS = ["one two", "two three"]
WORD = r"\p{L}\p{N}_"


@pytest.mark.parametrize(
    ("pattern", "token"),
    [
        (r"(?u)\b\w\w+\b", f"[{WORD}]{{2,}}"),
        (r"(?u)\b\w+\b", f"[{WORD}]+"),
        (r"\w+", f"[{WORD}]+"),
        ("[a-zA-Z]+", "[a-zA-Z]+"),
        (r"[\w'-]+", f"[{WORD}'-]+"),
        (r"\w[\w.]*\d{2}", rf"[{WORD}][{WORD}.]*\p{{Nd}}{{2}}"),
    ],
)
def test_words_are_spelled_out_beyond_ascii(pattern: str, token: str) -> None:
    vectorizer = TfidfVectorizer(token_pattern=pattern)
    assert text_options(vectorizer) == {id(vectorizer): {"locale": "C.UTF-8", "tokenexp": token}}


def test_vectorizers_are_found_at_any_depth() -> None:
    inner = CountVectorizer()
    columns = ColumnTransformer([("text", make_pipeline(inner), 0)])
    fitted = columns.fit([[text] for text in TEXTS])
    assert [*text_options(make_pipeline(fitted))] == [id(fitted.transformers_[0][1][0])]


@pytest.mark.parametrize(
    ("vectorizer", "words"),
    [
        (TfidfVectorizer(token_pattern=r"(?<=a)\w+"), "token_pattern"),
        (TfidfVectorizer(token_pattern=r"a|b"), "token_pattern"),
        (TfidfVectorizer(token_pattern=r"\b[a-z]+\b"), "token_pattern"),
        (TfidfVectorizer(analyzer="char_wb"), "char_wb"),
        (TfidfVectorizer(stop_words="english", ngram_range=(1, 2)), "stop words"),
        (TfidfVectorizer(strip_accents="unicode"), "accents"),
        (CountVectorizer(tokenizer=str.split), "function"),
        (HashingVectorizer(), "hashes"),
        (CountVectorizer(input="filename"), "names of files, which would be read"),
    ],
)
def test_what_skl2onnx_passes_over_is_refused(vectorizer: Any, words: str) -> None:
    with pytest.raises(ConversionFailed, match=words) as caught:
        text_options(vectorizer)
    assert caught.value.details["remedy"] in caught.value.message

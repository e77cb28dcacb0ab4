"""Vectorizers of texts: what skl2onnx writes otherwise than scikit-learn counts is mended, or refused by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from aimass.domain.errors import ConversionFailed
from aimass.formats.converters._sklearn_columns import VECTORIZERS
from aimass.formats.converters._sklearn_inputs import everything
from aimass.formats.member import shown

# Letters and digits as Python's \w has them; the runtime's own \w knows those of ASCII alone.
_WORD = r"\p{L}\p{N}_"
_BOUNDED = {r"\b\w\w+\b": r"\w{2,}", r"\b\w+\b": r"\w+"}
# Sets of letters one after another, each some times: what both libraries read alike once \w is spelled out.
_SIMPLE = re.compile(r"(?:(?:\[(?:[^\[\]\\]|\\[wd\-.])+\]|\\[wd]|[A-Za-z0-9])(?:[+*]|\{\d+(?:,\d*)?\})?)+")
_LOCALE = "C.UTF-8"  # skl2onnx's own, en_US, isn't on every machine


def text_options(model: Any) -> dict[Any, Any]:
    """skl2onnx's options for the vectorizers in a model. Raises ConversionFailed for settings that it passes over."""
    options: dict[Any, Any] = {}
    for step in _vectorizers(model):
        if step.input != "content":
            raise _cannot("a vectorizer that is given names of files, which would be read")
        if step.analyzer != "word":
            raise _cannot(f"a vectorizer that counts not words but {shown(str(step.analyzer))}")
        if step.stop_words and step.ngram_range[1] > 1:
            raise _cannot("a vectorizer with stop words that counts more than single words")
        if step.strip_accents or step.preprocessor or step.tokenizer:
            raise _cannot("a vectorizer that changes texts by a function or removes accents")
        options[id(step)] = {"locale": _LOCALE, "tokenexp": _token(step.token_pattern)}
    return options


def _token(pattern: str) -> str:
    """The expression for a word, for the runtime's library (RE2)."""
    plain = pattern.removeprefix("(?u)")
    plain = _BOUNDED.get(plain, plain)
    if not _SIMPLE.fullmatch(plain):
        raise _cannot(f"a vectorizer with the token_pattern {shown(pattern)}")
    outside = re.sub(r"\\w(?![^\[]*\])", lambda _: f"[{_WORD}]", plain)
    return outside.replace(r"\w", _WORD).replace(r"\d", r"\p{Nd}")


def repair_logarithms(graph: Any, model: Any) -> None:
    """A count becomes 1 + log(count), and none stays 0, with sublinear_tf; skl2onnx writes log(1 + count)."""
    from onnx import helper

    if not any(getattr(step, "sublinear_tf", False) for step in everything(model)):
        return
    nodes = graph.graph.node
    sums = {node.output[0]: node for node in nodes if node.op_type == "Add" and node.input[1].startswith("ones")}
    for index, node in reversed([*enumerate(nodes)]):
        if node.op_type != "Log" or node.input[0] not in sums:
            continue
        added = sums[node.input[0]]
        counts, ones, answer = added.input[0], added.input[1], node.output[0]
        added.op_type = "Max"
        node.output[0] = f"{answer}_log"
        later = [
            helper.make_node("Add", [f"{answer}_log", ones], [f"{answer}_plus"]),
            helper.make_node("Sign", [counts], [f"{answer}_there"]),
            helper.make_node("Mul", [f"{answer}_plus", f"{answer}_there"], [answer]),
        ]
        for place, one in enumerate(later, index + 1):
            nodes.insert(place, one)


def _vectorizers(model: Any) -> Iterator[Any]:
    for step in everything(model):
        kind = type(step).__name__
        if kind == "HashingVectorizer":
            raise _cannot("a vectorizer of hashes")
        if kind in VECTORIZERS:
            yield step


def _cannot(what: str) -> ConversionFailed:
    remedy = "train it without this, or send it as ONNX"
    return ConversionFailed(f"{what} can't be written as ONNX so that it answers the same: {remedy}", remedy=remedy)

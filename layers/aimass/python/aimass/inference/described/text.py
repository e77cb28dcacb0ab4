"""Texts as strings, or through a version's tokenizer as ids, attention mask and type ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from aimass.domain.description import TextInput, Tokenizer
from aimass.domain.errors import InvalidArguments
from aimass.domain.model import TensorSpec
from aimass.inference.described.tokenizers import OpenTokenizer, Tokens
from aimass.inference.described.tokens import Piece, Pieces, TokenInputs
from aimass.inference.tensors import Array, numpy_dtype

MOST_CHARACTERS = 250_000  # of one text
MOST_TOKENS = 1 << 24  # of all rows, padding included

#: The open tokenizer of a name in the description that cuts at so many tokens.
OpenNamed = Callable[[str, int | None], OpenTokenizer]


def text_inputs(
    specs: Mapping[str, TensorSpec],
    how: TextInput,
    texts: Sequence[str],
    open_named: OpenNamed,
    *,
    placed: bool = False,
) -> dict[str, Array]:
    """The inputs of the texts: strings [rows] or [rows, 1], or token numbers [rows, tokens]; `placed` as `TokenInputs`,
    which know the piece of text of each token.

    A model of a fixed number of tokens gets that many. Raises InvalidArguments naming the text that is too long or no
    Unicode, PredictionFailed where the version's tokenizer is at fault.
    """
    for at, text in enumerate(texts):
        _check_text(at, text)
    if how.tokenizer:
        return _tokenized(specs, how.tokenizer, texts, open_named, placed)
    assert how.input, "a text goes to a tokenizer or to an input"
    strings = np.empty(len(texts), object)
    strings[:] = texts
    return {how.input: strings[:, np.newaxis] if len(specs[how.input].shape) == 2 else strings}


def _bad_text(at: int, what: str) -> InvalidArguments:
    return InvalidArguments(f"text {at}: {what}", fields={f"text {at}": what})


def _check_text(at: int, text: str) -> None:
    if len(text) > MOST_CHARACTERS:
        raise _bad_text(at, f"has {len(text)} characters; at most {MOST_CHARACTERS}: shorten or split it")
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise _bad_text(at, "holds half of a surrogate pair, which is not Unicode text")


def _tokenized(
    specs: Mapping[str, TensorSpec], how: Tokenizer, texts: Sequence[str], open_named: OpenNamed, placed: bool
) -> dict[str, Array]:
    fixed = _fixed_length(specs[how.ids])
    limit = min((one for one in (fixed, how.max_length) if one), default=None)
    opened = open_named(how.file, limit if how.truncation else None)
    rows = [opened.tokens(text, placed=placed) for text in texts]
    lengths = np.array([len(row.ids) for row in rows])
    if limit:
        _check_lengths(lengths, limit, how, opened)
    width = fixed or (how.max_length if how.padding == "max_length" else None) or max(1, int(lengths.max()))
    if len(rows) * width > MOST_TOKENS:
        told = f"{len(rows)} texts padded to {width} tokens; at most {MOST_TOKENS} tokens a call: send fewer texts"
        raise InvalidArguments(told, fields={"data": told})
    inputs = _padded(specs, how, opened, rows, width)
    return TokenInputs(inputs, _pieces(texts, rows, width if opened.pads_left else 0)) if placed else inputs


def _pieces(texts: Sequence[str], rows: Sequence[Tokens], pad_to: int) -> Pieces:
    """Of each row; padding goes before them up to `pad_to` tokens, and what is behind them needs none."""
    told: list[list[Piece | None]] = []
    for text, row in zip(texts, rows, strict=True):
        padding: list[Piece | None] = [None] * (pad_to - len(row.places))
        told.append(padding + [Piece(text[place[0] : place[1]], *place) if place else None for place in row.places])
    return told


def _fixed_length(spec: TensorSpec) -> int | None:
    return spec.shape[1] if len(spec.shape) == 2 and spec.shape[1] > 0 else None


def _check_lengths(lengths: Array, limit: int, how: Tokenizer, opened: OpenTokenizer) -> None:
    at = int(lengths.argmax())
    if lengths[at] <= limit:
        return
    if how.truncation:  # the library does not cut where special tokens alone take all room
        raise _bad_text(
            at, f"{opened.special_tokens} special tokens do not fit in {limit}: describe a larger max_length"
        )
    raise _bad_text(
        at, f"has {lengths[at]} tokens; this model takes {limit}: shorten it, or describe `truncation: true`"
    )


def _padded(
    specs: Mapping[str, TensorSpec], how: Tokenizer, opened: OpenTokenizer, rows: Sequence[Tokens], width: int
) -> dict[str, Array]:
    """The rows side by side in the datatypes of their inputs, padded at the tokenizer's side."""

    def filled(name: str, pad: int, of: Callable[[Tokens], Array | int]) -> Array:
        out = np.full((len(rows), width), pad, numpy_dtype(specs[name].datatype))
        for target, row in zip(out, rows, strict=True):
            count = len(row.ids)
            target[slice(width - count, width) if opened.pads_left else slice(count)] = of(row)
        return out

    found = {how.ids: filled(how.ids, opened.pad_id, lambda row: row.ids)}
    if how.mask:
        found[how.mask] = filled(how.mask, 0, lambda row: 1)
    if how.types:
        found[how.types] = filled(how.types, opened.pad_type, lambda row: row.types)
    return found

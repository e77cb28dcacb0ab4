"""Tokenizer files, open. Named as the library that reads them; it is loaded with the first one."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aimass.domain.errors import PredictionFailed
from aimass.domain.files import StoredFile
from aimass.inference.tensors import Array

_USUAL_PADS = ("[PAD]", "<pad>")


@dataclass(frozen=True)
class Tokens:
    """Of one text: ids and type ids, [tokens]. `places` are where each begins and ends in the text, None of special
    ones; they are there if they were asked for.
    """

    ids: Array
    types: Array
    places: tuple[tuple[int, int] | None, ...] = ()


class OpenTokenizer:
    """A `tokenizers` file that cuts at `limit` tokens, special ones included; None cuts nothing.

    What the file itself says of lengths is set aside, the sides at which it cuts and pads are kept. Whether it may run
    threads is set for the process: a call has one core, and a pool of threads does not survive a fork.
    """

    def __init__(self, path: Path, limit: int | None) -> None:
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_file(str(path))
        padding, truncation = self._tokenizer.padding or {}, self._tokenizer.truncation or {}
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        if limit is not None:
            self._tokenizer.enable_truncation(limit, direction=truncation.get("direction", "right"))
        self.pads_left: bool = padding.get("direction") == "left"
        self.pad_id: int = padding["pad_id"] if padding else self._usual_pad()
        self.pad_type: int = padding.get("pad_type_id", 0)
        self.special_tokens: int = self._tokenizer.num_special_tokens_to_add(is_pair=False)

    def tokens(self, text: str, *, placed: bool = False) -> Tokens:
        """The text's tokens, `placed` with where they lie in it, which takes longer. Raises PredictionFailed where the
        tokenizer itself does not know what to do.
        """
        encode = self._tokenizer.encode_batch if placed else self._tokenizer.encode_batch_fast
        try:
            found = encode([text])[0]
        except BaseException as error:
            raise _failed(error, "the version's tokenizer failed") from error
        places: tuple[tuple[int, int] | None, ...] = ()
        if placed:
            special = found.special_tokens_mask
            places = tuple(None if mark else place for place, mark in zip(found.offsets, special, strict=True))
        return Tokens(np.array(found.ids, np.int64), np.array(found.type_ids, np.int64), places)

    def _usual_pad(self) -> int:
        ids = [self._tokenizer.token_to_id(one) for one in _USUAL_PADS]
        return next((one for one in ids if one is not None), 0)


#: The open tokenizer of a version's file that cuts at so many tokens.
OpenStored = Callable[[StoredFile, int | None], OpenTokenizer]


def open_tokenizer(path: Path, name: str, limit: int | None) -> OpenTokenizer:
    """Opens a file that messages call `name`. Raises PredictionFailed for a broken one."""
    try:
        return OpenTokenizer(path, limit)
    except BaseException as error:
        raise _failed(error, f"the version's tokenizer {name!r} cannot be opened") from error


def _failed(error: BaseException, what: str) -> BaseException:
    """The library raises Exception, and where its Rust code panics a BaseException of its own."""
    if isinstance(error, MemoryError) or not (isinstance(error, Exception) or type(error).__name__ == "PanicException"):
        return error
    return PredictionFailed(f"{what}: {str(error)[:200]}")

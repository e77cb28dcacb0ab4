"""Loads a tokenizer file as `predict` does, and runs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aimass.compression.gauges import peak_bytes
from aimass.domain.errors import InvalidDescription
from aimass.formats.member import shown
from aimass.sandbox.tasks.measure import baseline_bytes


def run(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """`request["file"]` lies in the working folder; messages call it `request["name"]`."""
    from tokenizers import Tokenizer

    name = shown(request["name"])
    before = baseline_bytes()
    try:
        tokenizer = Tokenizer.from_file(str(Path.cwd() / request["file"]))
        tokenizer.encode("A text.")
    except MemoryError:
        raise
    except Exception as error:
        text = f"'{name}' is no file of the tokenizers library: {str(error)[:300]}"
        raise InvalidDescription(text, fields={"input.text.tokenizer": text}) from None
    memory = max(0, peak_bytes() - before)
    truncation = tokenizer.truncation or {}
    # Tokens that were added later may never occur in a text; those of the vocabulary do.
    ids = tokenizer.get_vocab(with_added_tokens=False).values()
    yield {"truncated_to": truncation.get("max_length"), "memory": memory, "last_id": max(ids, default=0)}

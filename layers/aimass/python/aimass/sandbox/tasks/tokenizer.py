"""Loads a tokenizer file as `predict` does, and runs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aimass.domain.errors import InvalidDescription
from aimass.formats.member import shown


def run(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """`request["file"]` lies in the working folder; messages call it `request["name"]`."""
    from tokenizers import Tokenizer

    name = shown(request["name"])
    try:
        tokenizer = Tokenizer.from_str((Path.cwd() / request["file"]).read_text("utf-8"))
        tokenizer.encode("A text.")
    except MemoryError:
        raise
    except Exception as error:
        text = f"'{name}' is no file of the tokenizers library: {str(error)[:300]}"
        raise InvalidDescription(text, fields={"input.text.tokenizer": text}) from None
    truncation = tokenizer.truncation or {}
    yield {"truncated_to": truncation.get("max_length")}

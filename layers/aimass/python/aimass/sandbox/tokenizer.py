"""A tokenizer file that was loaded once, so that a broken one is refused at import and not at the first text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aimass.domain.errors import InvalidDescription, ModelCrashed, ModelOutOfMemory
from aimass.formats.member import shown
from aimass.sandbox.limits import Limits
from aimass.sandbox.runner import run

MAX_MEMORY_MB = 384  # an open tokenizer shares its process with models, and is never in a child that may die
_CHILD_MB = 1024  # the child itself, and room to see by how much a tokenizer is too large


@dataclass(frozen=True)
class CheckedTokenizer:
    """`truncated_to` is how many tokens it cuts texts to, None where it says nothing; `memory` is in bytes."""

    truncated_to: int | None
    memory: int


def check_tokenizer(file: Path, name: str, limits: Limits, vocab_size: Any = None) -> CheckedTokenizer:
    """Loads it in a process of its own, runs it and measures the memory that this takes.

    `name` is what messages call it; `vocab_size` is what the model's configuration says under that name. Raises
    InvalidDescription for a file that is no tokenizer, takes more than 384 MiB open, or knows words that the model has
    no row for.
    """
    request = {"file": file.name, "name": name}
    bounded = replace(limits, memory_bytes=min(limits.memory_bytes, _CHILD_MB << 20))
    try:
        answer = run("aimass.sandbox.tasks.tokenizer", request, folder=file.parent, limits=bounded)
    except (ModelCrashed, ModelOutOfMemory) as error:  # the library aborts where memory is refused
        if error.details.get("signal", "SIGABRT") != "SIGABRT":
            raise
        raise _too_large(name, None) from None
    truncated_to, memory = answer["truncated_to"], max(int(answer["memory"]), file.stat().st_size)
    if memory > MAX_MEMORY_MB << 20:
        raise _too_large(name, memory)
    if type(vocab_size) is int and answer["last_id"] >= vocab_size > 0:
        raise _of_another_model(name, int(answer["last_id"]), vocab_size)
    return CheckedTokenizer(truncated_to if isinstance(truncated_to, int) else None, memory)


def _of_another_model(name: str, last: int, vocab_size: int) -> InvalidDescription:
    text = f"'{shown(name)}' has ids up to {last}, and the model's are below {vocab_size} (vocab_size in config.json)"
    text += ": send the tokenizer that it was trained with"
    return InvalidDescription(text, fields={"input.text.tokenizer": text})


def _too_large(name: str, memory: int | None) -> InvalidDescription:
    takes = "more" if memory is None else f"{memory >> 20} MiB"
    text = f"'{shown(name)}' may take {MAX_MEMORY_MB} MiB of memory once it is open, and takes {takes}"
    text += ": use a smaller vocabulary, or send token ids as tensors"
    return InvalidDescription(text, fields={"input.text.tokenizer": text})

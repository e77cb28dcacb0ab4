"""A tokenizer file that was loaded once, so that a broken one is refused at import and not at the first text."""

from __future__ import annotations

from pathlib import Path

from aimass.sandbox.limits import Limits
from aimass.sandbox.runner import run


def check_tokenizer(file: Path, name: str, limits: Limits) -> int | None:
    """Loads it in a process of its own; returns how many tokens it cuts texts to, None where it says nothing.

    `name` is what messages call it. Raises InvalidDescription for a file that is no tokenizer.
    """
    request = {"file": file.name, "name": name}
    answer = run("aimass.sandbox.tasks.tokenizer", request, folder=file.parent, limits=limits)
    truncated_to = answer["truncated_to"]
    return truncated_to if isinstance(truncated_to, int) else None

"""How a converter names the module that opens its files, without importing what that module needs."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from aimass.formats.converter import Candidate, Original


def opened_by(module: str) -> Callable[[Path, Candidate], Original]:
    """`open_file` of a module beside this one, imported when it is called."""

    def open_file(folder: Path, candidate: Candidate) -> Original:
        found = importlib.import_module(f"{__package__}.{module}")
        original: Original = found.open_file(folder, candidate)
        return original

    return open_file

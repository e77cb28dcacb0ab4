"""What the steps left in a folder, put together for the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass.compression.result import Record, read
from aimass.compression.steps.folder import Folder


def documents_in(
    folder: Folder, model: Mapping[str, Any] | None = None, machine: Mapping[str, Any] | None = None
) -> Record:
    """Raises FileNotFoundError where nothing was chosen yet."""
    found = {"asked": read(folder.asked), "planned": read(folder.planned), "chosen": read(folder.chosen)}
    for name, record in found.items():
        if record is None:
            raise FileNotFoundError(f"{name}.json")
    verdicts = (found["chosen"] or {})["verdicts"]
    return {
        **found,
        "prepared": read(folder.prepared),
        "candidates": {name: _candidate(folder, name) for name in verdicts},
        "model": dict(model or {}),
        "machine": dict(machine or {}),
    }


def _candidate(folder: Folder, name: str) -> Record:
    place = folder.candidate(name)
    return {"compressed": read(place.compressed), "evaluated": read(place.evaluated), "repaired": read(place.repaired)}

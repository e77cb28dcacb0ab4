"""What is measured of one server under one load, kept on disk so that an interrupted run goes on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Measure:
    """Latencies and CPU in milliseconds; memory with files' pages shared out (PSS), of all processes of the server."""

    calls_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    mib: float


@dataclass(frozen=True)
class Cell:
    """`callers` 0 stands for no server at all: onnxruntime called in a loop."""

    load: str
    server: str
    callers: int


Outcome = Measure | str  # the reason, where there is no measure


class Measures:
    """One JSON object a line, in the order measured."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.outcomes: dict[Cell, Outcome] = dict(_read(path)) if path.exists() else {}

    @property
    def since(self) -> str:
        """When the last one was noted."""
        return f"{datetime.fromtimestamp(self._path.stat().st_mtime, UTC):%Y-%m-%d %H:%M} UTC"

    def note(self, cell: Cell, outcome: Outcome) -> None:
        """A reason is told, and not kept: the next run tries again."""
        self.outcomes[cell] = outcome
        if isinstance(outcome, Measure):
            with self._path.open("a") as file:
                file.write(json.dumps(asdict(cell) | asdict(outcome)) + "\n")

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)
        self.outcomes = {}


def _read(path: Path) -> list[tuple[Cell, Measure]]:
    found = []
    for line in path.read_text().splitlines():
        row = json.loads(line)
        cell = Cell(row.pop("load"), row.pop("server"), row.pop("callers"))
        found.append((cell, Measure(**row)))
    return found

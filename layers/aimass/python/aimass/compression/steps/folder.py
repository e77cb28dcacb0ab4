"""Where steps find what they need and leave what they made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from aimass.compression.budget import Budget, rows_needed
from aimass.compression.choose import MOST_FINALISTS, Limit, confidence_each
from aimass.compression.contract import Ask
from aimass.compression.plan import Wish
from aimass.compression.reading import Reading
from aimass.compression.recipe import digest_of

CALIBRATION, CHOOSING, HELD_OUT = "calibration", "choosing", "held_out"


@dataclass(frozen=True)
class Asked:
    """`asked.json`: what the user wants, and what there is of rows. `held_out` is how many prove the budget."""

    ask: Ask
    wish: Wish
    budget: Budget
    reading: Reading
    held_out: int

    @property
    def limit(self) -> Limit:
        """As many finalists as held-out rows can tell about, since each more takes from the confidence of all."""
        counts = range(MOST_FINALISTS, 1, -1)
        enough = (n for n in counts if rows_needed(self.budget, confidence_each(n)) <= self.held_out)
        return Limit(self.budget.metric, self.budget.loss, self.held_out, next(enough, 1))

    def to_json(self) -> dict[str, Any]:
        written = asdict(self)
        return {**written, "reading": {**written["reading"], "threshold": str(self.reading.threshold)}}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Asked:
        wish, reading = written["wish"], written["reading"]
        methods = None if wish["methods"] is None else tuple(wish["methods"])
        names, threshold = tuple(reading["names"]), float(reading["threshold"])
        return cls(
            Ask(**written["ask"]),
            Wish(wish["objective"], methods),
            Budget(**written["budget"]),
            Reading(**{**reading, "names": names, "threshold": threshold}),
            int(written["held_out"]),
        )


@dataclass(frozen=True)
class Folder:
    """`model.onnx` is the original; `<part>.npz` are rows; each candidate has a folder of its own."""

    root: Path

    @property
    def original(self) -> Path:
        return self.root / "model.onnx"

    @property
    def asked(self) -> Path:
        return self.root / "asked.json"

    @property
    def planned(self) -> Path:
        return self.root / "planned.json"

    @property
    def chosen(self) -> Path:
        return self.root / "chosen.json"

    def rows(self, part: str) -> Path:
        return self.root / f"{part}.npz"

    def candidate(self, name: str) -> Place:
        return Place(self.root / "candidates" / name)

    def scratch(self, name: str) -> Path:
        folder = self.root / "scratch" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @cached_property
    def digest(self) -> str:
        """Of the original."""
        return digest_of(self.original)


@dataclass(frozen=True)
class Place:
    """What there is of one candidate."""

    root: Path

    @property
    def model(self) -> Path:
        return self.root / "model.onnx"

    @property
    def compressed(self) -> Path:
        return self.root / "compressed.json"

    @property
    def evaluated(self) -> Path:
        return self.root / "evaluated.json"

    @property
    def repaired(self) -> Path:
        return self.root / "repaired.json"

"""Where steps find what they need and leave what they made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from aimass.compression.budget import Budget, finalists
from aimass.compression.choose import Limit
from aimass.compression.contract import Ask
from aimass.compression.names import CALIBRATION as CALIBRATION
from aimass.compression.names import CHOOSING as CHOOSING
from aimass.compression.names import HELD_OUT as HELD_OUT
from aimass.compression.plan import Wish
from aimass.compression.reading import Reading
from aimass.compression.recipe import digest_of
from aimass.compression.result import Record, read


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
        return Limit(self.budget.metric, self.budget.loss, self.held_out, finalists(self.budget, self.held_out))

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
    def prepared(self) -> Path:
        """What was made ready for the steps, with its digests: files that are not here need not be read for them."""
        return self.root / "prepared.json"

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
        known = self._known
        return str(known["model"]["sha256"]) if known else digest_of(self.original)

    def rows_digest(self, part: str) -> str:
        """Of the file with the part's rows; of nothing where there is none."""
        known = self._known
        return str(known["parts"][part]["sha256"]) if known else digest_of(self.rows(part))

    @cached_property
    def _known(self) -> Record | None:
        return read(self.prepared)


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

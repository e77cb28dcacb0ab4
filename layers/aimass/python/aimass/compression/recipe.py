"""A recipe: which passes are applied, one after another, with which options. Its name is its variant's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from aimass.compression.contract import Options
from aimass.compression.names import MIXED as MIXED

_EXTERNAL = ".data"


@dataclass(frozen=True)
class Stage:
    """One pass of a recipe."""

    name: str  # of the pass
    options: Options


@dataclass(frozen=True)
class Recipe:
    name: str
    stages: tuple[Stage, ...]

    def spared(self, at: int, units: Sequence[str]) -> Recipe:
        """The recipe that leaves these units of one of its stages as they are, beside those that it leaves already."""
        stage = self.stages[at]
        spare = [*stage.options.get("spare", ()), *units]
        stages = list(self.stages)
        stages[at] = Stage(stage.name, {**stage.options, "spare": spare})
        return Recipe(f"{self.name}{MIXED}", tuple(stages))

    def upto(self, count: int) -> Recipe:
        """Its first stages alone."""
        return replace(self, stages=self.stages[:count])

    @property
    def digest(self) -> str:
        """Of what is done, whatever it is called."""
        return key([[stage.name, stage.options] for stage in self.stages])

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "stages": [{"pass": stage.name, "options": dict(stage.options)} for stage in self.stages],
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Recipe:
        stages = (Stage(str(stage["pass"]), dict(stage["options"])) for stage in written["stages"])
        return cls(str(written["name"]), tuple(stages))


def key(*parts: Any) -> str:
    """Hexadecimal digest of JSON values."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of(path: Path) -> str:
    """SHA-256 of a file and, for a model, of its external data beside it."""
    digest = hashlib.sha256()
    for one in (path, path.with_name(path.name + _EXTERNAL)):
        if one.exists():
            with one.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
    return digest.hexdigest()


@cache
def platform() -> str:
    """What results depend on beside their inputs: this package's source, but for the report's, and its libraries."""
    root = Path(__file__).parent
    paths = [path for path in sorted(root.rglob("*.py")) if not path.is_relative_to(root / "report")]
    sources = [[str(path.relative_to(root)), digest_of(path)] for path in paths]
    return key(sources, ort.__version__, np.__version__)

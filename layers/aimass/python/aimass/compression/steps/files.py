"""Which of a folder's files each step reads and leaves: what a Lambda or a job fetches and stores around it.

Names are relative to the folder. A file that is not there is left out: external data beside a model, rows where there
are none, and what a step leaves, which it reads to see whether there is anything to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aimass.compression.recipe import MIXED
from aimass.compression.steps.folder import CALIBRATION, CHOOSING, HELD_OUT

_ORIGINAL = ("model.onnx", "model.onnx.data", "asked.json")


@dataclass(frozen=True)
class Files:
    reads: tuple[str, ...]
    leaves: tuple[str, ...]

    @property
    def fetched(self) -> tuple[str, ...]:
        """With the JSON that the step may have left already."""
        return (*self.reads, *(name for name in self.leaves if name.endswith(".json")))


def plan_files() -> Files:
    return Files(_ORIGINAL, ("planned.json",))


def compress_files(name: str) -> Files:
    return Files((*_ORIGINAL, "planned.json", f"{CALIBRATION}.npz"), (*_model(name), _of(name, "compressed.json")))


def evaluate_files(name: str) -> Files:
    reads = (*_ORIGINAL, f"{CHOOSING}.npz", *_model(name), _of(name, "compressed.json"))
    return Files(reads, (_of(name, "evaluated.json"),))


def repair_files(name: str) -> Files:
    mixed = f"{name}{MIXED}"
    reads = (*_ORIGINAL, f"{CALIBRATION}.npz", f"{CHOOSING}.npz", _of(name, "compressed.json"))
    made = (*_model(mixed), _of(mixed, "compressed.json"), _of(mixed, "evaluated.json"))
    return Files(reads, (*made, _of(name, "repaired.json")))


def choose_files(names: Sequence[str], finalists: Sequence[str]) -> Files:
    """`finalists` are those that `asked_for` names, once the JSON of all `names` is there."""
    written = [_of(name, about) for name in names for about in ("compressed.json", "evaluated.json")]
    models = [file for name in finalists for file in _model(name)]
    return Files((*_ORIGINAL, "planned.json", f"{HELD_OUT}.npz", *written, *models), ("chosen.json",))


def _model(name: str) -> tuple[str, str]:
    return _of(name, "model.onnx"), _of(name, "model.onnx.data")


def _of(name: str, file: str) -> str:
    return f"candidates/{name}/{file}"

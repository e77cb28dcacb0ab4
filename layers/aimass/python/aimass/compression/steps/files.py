"""Which of a folder's files each step reads and leaves: what a Lambda or a job fetches and stores around it.

Names are relative to the folder. A file that is not there is left out: external data beside a model, rows where there
are none, and what a step leaves, which it reads to see whether there is anything to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aimass.compression.names import CALIBRATION, CHOOSING, HELD_OUT, MIXED

_ORIGINAL = ("model.onnx", "model.onnx.data", "asked.json", "prepared.json")


@dataclass(frozen=True)
class Files:
    reads: tuple[str, ...]
    leaves: tuple[str, ...]

    @property
    def fetched(self) -> tuple[str, ...]:
        """With the JSON that the step may have left already."""
        return tuple(dict.fromkeys((*self.reads, *(name for name in self.leaves if name.endswith(".json")))))

    @property
    def told(self) -> tuple[str, ...]:
        """The JSON among them: enough to see whether there is anything to do."""
        return tuple(name for name in self.fetched if name.endswith(".json"))


def prepare_files() -> Files:
    """What everything else begins with."""
    parts = tuple(f"{part}.npz" for part in (CALIBRATION, CHOOSING, HELD_OUT))
    return Files((), (*_ORIGINAL[:2], *parts, "prepared.json", "asked.json"))


def plan_files() -> Files:
    return Files(_ORIGINAL, ("planned.json",))


def compress_files(name: str) -> Files:
    return Files((*_ORIGINAL, "planned.json", f"{CALIBRATION}.npz"), (*_model(name), _of(name, "compressed.json")))


def evaluate_files(name: str) -> Files:
    reads = (*_ORIGINAL, "planned.json", f"{CHOOSING}.npz", *_model(name), _of(name, "compressed.json"))
    return Files(reads, (_of(name, "compressed.json"), _of(name, "evaluated.json")))


def wanted_files(names: Sequence[str]) -> Files:
    """What tells which of the candidates are worth a repair."""
    return Files(("asked.json", "prepared.json", "planned.json", *_written(names)), ())


def repair_files(name: str) -> Files:
    mixed = f"{name}{MIXED}"
    reads = (*_ORIGINAL, "planned.json", f"{CALIBRATION}.npz", f"{CHOOSING}.npz", _of(name, "compressed.json"))
    made = (*_model(mixed), _of(mixed, "compressed.json"), _of(mixed, "evaluated.json"))
    return Files((*reads, *_model(mixed)), (*made, _of(name, "repaired.json")))


def choose_files(names: Sequence[str], finalists: Sequence[str]) -> Files:
    """`finalists` are those that `asked_for` names, once the JSON of all `names` is there."""
    models = [file for name in finalists for file in _model(name)]
    told = tuple(_of(name, "compressed.json") for name in finalists)
    reads = (*_ORIGINAL, "planned.json", f"{HELD_OUT}.npz", *_written(names), *models)
    return Files(reads, (*told, "chosen.json"))


def candidate_files(name: str) -> tuple[str, ...]:
    """All that there may be of a candidate, the model first."""
    return (*_model(name), *(_of(name, about) for about in ("compressed.json", "evaluated.json", "repaired.json")))


def _written(names: Sequence[str]) -> list[str]:
    return [_of(name, about) for name in names for about in ("compressed.json", "evaluated.json", "repaired.json")]


def _model(name: str) -> tuple[str, str]:
    return _of(name, "model.onnx"), _of(name, "model.onnx.data")


def _of(name: str, file: str) -> str:
    return f"candidates/{name}/{file}"

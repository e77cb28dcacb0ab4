"""The step prepare: examples read, split and encoded in a process of its own, beside the model as steps want it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from aimass.domain.compression import CompressionCall
from aimass.domain.errors import ModelCrashed
from aimass.domain.model import Version
from aimass.domain.told import check_texts
from aimass.sandbox.isolation import CONFINED, Isolation
from aimass.sandbox.limits import Limits
from aimass.sandbox.runner import run

TASK = "aimass.sandbox.tasks.compression_rows"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PARTS = ("calibration", "choosing", "held_out")
_LONGEST, _MOST = 300, 32
_CALL_SECONDS = 60.0  # to load the model, or for one call of it, where inputs have to be made up


@dataclass(frozen=True)
class Given:
    """What lies in a folder, as paths in it: the model's file to open, examples, a sample, a description's files."""

    source: str
    data: str | None
    sample: str | None
    assets: Mapping[str, str]


@dataclass(frozen=True)
class Prepared:
    """What was read: rows that there were and that are used, by part, their labels' kind, and what is to be known.

    `digest` is of the rows. `budget` is what was asked for, or the default.
    """

    digest: str
    seen: int
    used: int
    parts: Mapping[str, int]
    made_up: bool
    labels: str | None
    budget: Mapping[str, float]
    notes: Sequence[str]


def prepare_folder(
    folder: Path,
    given: Given,
    version: Version,
    call: CompressionCall,
    limits: Limits,
    isolation: Isolation = CONFINED,
) -> Prepared:
    """Leaves what `compression.steps.files.prepare_files` names in `folder`.

    Raises InvalidArguments naming file and line of an example that is wrong, or how many it takes, and what `run` does.
    """
    request = {
        **msgspec.to_builtins(given),
        "version": msgspec.to_builtins(_essence(version)),
        "target": call.target,
        "objective": call.objective,
        "budget": call.budget,
        "methods": call.methods,
        "seconds": _CALL_SECONDS,
    }
    bounded = replace(limits, call_seconds=_CALL_SECONDS)
    return _prepared(run(TASK, request, folder=folder, limits=bounded, isolation=isolation))


def _essence(version: Version) -> Version:
    """What reading examples takes of it."""
    return replace(
        version, variants=(), source=None, kept=None, conversion=None, compressions=(), failure=None, facts={}, tags={}
    )


def _prepared(answer: Mapping[str, Any]) -> Prepared:
    try:
        check_texts(answer)
        if not _DIGEST.fullmatch(answer["digest"]):
            raise ValueError("no digest")
        return Prepared(
            answer["digest"],
            int(answer["seen"]),
            int(answer["used"]),
            {part: int(answer["parts"][part]) for part in _PARTS},
            answer["made_up"] is True,
            None if answer["labels"] is None else str(answer["labels"])[:_LONGEST],
            {str(name)[:_LONGEST]: float(value) for name, value in answer["budget"].items()},
            tuple(str(note)[:_LONGEST] for note in answer["notes"][:_MOST]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelCrashed("the model garbled the answer of the process that held it") from error

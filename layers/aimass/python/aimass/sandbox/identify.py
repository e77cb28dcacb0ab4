"""The state identify: what was uploaded, unpacked and recognised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aimass.domain.errors import InternalError
from aimass.formats.converter import Environment
from aimass.sandbox.limits import Limits
from aimass.sandbox.paths import files_within, folder_within
from aimass.sandbox.runner import run


@dataclass(frozen=True)
class Identified:
    """One model. `folder` is where its files lie, `main` the file that its format begins with, `files` that one and
    the others that it needs, relative to `folder`; `left_out` are up to 100 other files that came with it.

    `environment` is where it is converted, None for ONNX and for what is `stored` as it is; `facts` are up to 20 KB of
    what its files say of it. `beside` are files that may describe it, by the names that a description knows them by.

    `opset` maps each operator domain to its version, the default one being `ai.onnx`; it is empty, and
    `parameter_count` None, where only converting tells. `own_classes` are what an ONNX model calls its classes, in the
    order of its scores: empty for 0, 1, 2, ...; None where it does not show them.
    """

    format: str
    folder: Path
    main: str
    files: tuple[str, ...]
    left_out: tuple[str, ...]
    framework: str
    opset: dict[str, int]
    ir_version: int
    parameter_count: int | None
    beside: Mapping[str, Path] = field(default_factory=dict)
    environment: Environment | None = None
    stored: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    own_classes: tuple[str, ...] | None = None


def identify_folder(folder: Path, limits: Limits) -> Identified:
    """Identifies the model in `folder`, which holds an upload: one file, an archive, or one model as several files.

    An archive is unpacked into a folder within. Raises the ImportRefused subclass that says what is wrong.
    """
    answer = run("aimass.sandbox.tasks.identify", {"max_bytes": limits.file_bytes}, folder=folder, limits=limits)
    own = answer.get("own_classes")
    found = folder_within(folder, answer["folder"])
    main, *_ = files = files_within(found, answer["files"])
    return Identified(
        format=answer["format"],
        folder=found,
        main=main,
        files=files,
        left_out=tuple(answer["left_out"]),
        framework=answer["framework"],
        opset=answer["opset"],
        ir_version=answer["ir_version"],
        parameter_count=answer["parameter_count"],
        beside=_beside(folder, answer["beside"]),
        environment=answer["environment"],
        stored=answer["stored"],
        facts=answer["facts"],
        own_classes=None if own is None else tuple(own),
    )


def _beside(folder: Path, named: list[list[str]]) -> dict[str, Path]:
    """A name is the end of its path but for case, and that lies in the folder: names become paths elsewhere."""
    paths = files_within(folder, [path for _, path in named])
    beside = {name: folder / path for (name, _), path in zip(named, paths, strict=True)}
    if any(not f"/{path}".lower().endswith(f"/{name.lower()}") for (name, path) in named):
        raise InternalError("the sandbox named a file otherwise than it is called")
    return beside

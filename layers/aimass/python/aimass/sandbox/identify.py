"""The state identify: what was uploaded, unpacked and recognised."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aimass.sandbox.limits import Limits
from aimass.sandbox.paths import files_within, folder_within
from aimass.sandbox.runner import run


@dataclass(frozen=True)
class Identified:
    """One model. `folder` is where its files lie, `main` the file that a runtime opens, `files` that one and its
    external data, relative to `folder`; `left_out` are up to 100 other files that came with it.

    `opset` maps each operator domain to its version, the default one being `ai.onnx`.
    """

    format: str
    folder: Path
    main: str
    files: tuple[str, ...]
    left_out: tuple[str, ...]
    framework: str
    opset: dict[str, int]
    ir_version: int
    parameter_count: int


def identify_folder(folder: Path, limits: Limits) -> Identified:
    """Identifies the model in `folder`, which holds an upload: one file, an archive, or one model as several files.

    An archive is unpacked into a folder within. Raises the ImportRefused subclass that says what is wrong.
    """
    answer = run("aimass.sandbox.tasks.identify", {"max_bytes": limits.file_bytes}, folder=folder, limits=limits)
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
    )

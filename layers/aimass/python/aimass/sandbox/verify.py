"""The state verify: a model that was loaded, run and measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aimass.domain.model import Measurements, TensorSpec
from aimass.sandbox.limits import Limits
from aimass.sandbox.paths import files_within
from aimass.sandbox.runner import run


@dataclass(frozen=True)
class Verified:
    """What is known of a model that has run.

    `optimized` are the files of its optimised graph relative to the model's folder and `optimized_main` the one to
    open; without one, `optimized_note` says why. `raw_scores` are matrices that held what can be no probability,
    `unscaled` inputs of floats that take pictures with numbers to 255: the model scales them itself, or the sample has
    such.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    measurements: Measurements
    optimized: tuple[str, ...]
    optimized_main: str | None
    optimized_note: str | None
    raw_scores: tuple[str, ...] = ()
    unscaled: tuple[str, ...] = ()


def verify_folder(folder: Path, main: str, sample: Path | None, limits: Limits, prediction_seconds: float) -> Verified:
    """Loads and runs a model on `sample`, or on inputs made up, in a process of its own.

    `folder` holds its files and is where the optimised graph is written; `main` is the one to open.

    One prediction may take `prediction_seconds`. `measurements.memory_bytes` is what loading and predicting added at
    most to the memory of a process that had the runtime loaded. Raises the ImportRefused subclass that says what is
    wrong.
    """
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and file != sample)
    request = {
        "main": main,
        "sample": str(sample.resolve()) if sample else None,
        "prediction_seconds": prediction_seconds,
        "size": size,
    }
    answer = run(
        "aimass.sandbox.tasks.verify", request, folder=folder, limits=replace(limits, call_seconds=prediction_seconds)
    )
    return _verified(answer, files_within(folder, answer["optimized"]))


def _verified(answer: dict[str, Any], optimized: tuple[str, ...]) -> Verified:
    interrupted = answer.get("interrupted")
    return Verified(
        inputs=tuple(_spec(spec) for spec in answer["inputs"]),
        outputs=tuple(_spec(spec) for spec in answer["outputs"]),
        measurements=Measurements(**answer["measurements"]),
        optimized=optimized,
        optimized_main=optimized[0] if optimized else None,
        optimized_note=f"not optimised: {interrupted}" if interrupted else answer["note"],
        raw_scores=tuple(answer["raw_scores"]),
        unscaled=tuple(answer["unscaled"]),
    )


def _spec(spec: dict[str, Any]) -> TensorSpec:
    return TensorSpec(spec["name"], spec["datatype"], tuple(spec["shape"]), spec["onnx_type"])

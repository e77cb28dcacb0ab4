"""A candidate of a compression is looked at, loaded and run as an import is, before it becomes a variant."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from aimass.domain.errors import ConversionFailed, InvalidModel
from aimass.domain.files import ModelFiles
from aimass.domain.model import TensorSpec, Version
from aimass.domain.ports import ArtifactStore
from aimass.sandbox.identify import identify_folder
from aimass.sandbox.limits import Limits
from aimass.sandbox.verify import verify_folder
from aimass.usecases.compressed_variants import Proven

MODEL = ("model.onnx", "model.onnx.data")
_MIB = 1 << 20


def verify_candidate(
    artifacts: ArtifactStore,
    tenant: str,
    version: Version,
    name: str,
    root: Path,
    sample: Path | None,
    limits: Limits,
    prediction_seconds: float,
) -> Proven:
    """The model in `root`, measured and stored, packed where it pays; its optimised graph is stored as it is.

    Raises ImportRefused kinds, ArtifactBusy.
    """
    until = time.monotonic() + limits.seconds
    files = _examined(root, limits)
    rest = replace(limits, seconds=max(1, int(until - time.monotonic())))  # one deadline for both
    found = verify_folder(root, MODEL[0], sample, rest, prediction_seconds)
    if _signature(found.inputs, found.outputs) != _signature(version.inputs, version.outputs):
        raise InvalidModel("it takes or gives other tensors than the original")
    optimized = None
    if found.optimized_main:
        plain = (artifacts.put_file(tenant, path, root / path) for path in found.optimized)
        optimized = ModelFiles(found.optimized_main, tuple(plain))
    packed = ModelFiles(MODEL[0], tuple(artifacts.put_packed(tenant, path, root / path) for path in files))
    return Proven(name, packed, optimized, found.measurements, found.optimized_note)


def described_candidate(made: Proven) -> str:
    """What was seen of it, for the log."""
    measured, stored = made.measurements, sum(file.stored_size for file in made.files.files)
    packed = f", packed into {stored}" if stored < made.files.size else ""
    return (
        f"{made.name}: {made.files.size} bytes{packed}; ran {measured.runs} times with onnxruntime"
        f" {measured.onnxruntime}: loading took {measured.load_ms:.3g} ms, a prediction {measured.p50_ms:.3g} ms (p50)"
        f" and {measured.p99_ms:.3g} ms (p99), memory {measured.memory_bytes / _MIB:.0f} MB"
    )


def _examined(root: Path, limits: Limits) -> tuple[str, ...]:
    """Its files. What a compression wrote is looked at as an upload is: what wrote it had opened a stranger's file."""
    found = identify_folder(root, limits)
    if (found.format, found.main, found.folder.resolve()) != ("onnx", MODEL[0], root.resolve()):
        raise ConversionFailed(f"it is no ONNX model, but {found.main} as {found.format}")
    if not {*found.files} <= {*MODEL}:
        raise ConversionFailed("it wants files beside it that a compression does not leave")
    return found.files


def _signature(*specs: tuple[TensorSpec, ...]) -> list[list[tuple[str, str, int]]]:
    return [[(spec.name, spec.onnx_type, len(spec.shape)) for spec in one] for one in specs]

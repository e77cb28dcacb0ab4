"""What the steps of an import hand on to each other."""

from __future__ import annotations

from dataclasses import dataclass

from aimass.domain.description import Description
from aimass.domain.model import Measurements, ModelFiles, StoredFile, TensorSpec


@dataclass(frozen=True)
class IdentifiedModel:
    """What `identify` hands on."""

    format: str
    framework: str
    opset: dict[str, int]
    parameter_count: int
    source: ModelFiles
    model: ModelFiles
    beside: tuple[StoredFile, ...] = ()  # what may describe it: aimass.yaml, labels, a tokenizer


@dataclass(frozen=True)
class ConvertedModel:
    """What `convert` hands on: the model as ONNX, None where it was that already."""

    model: ModelFiles | None


@dataclass(frozen=True)
class VerifiedModel:
    """What `verify` hands on."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    measurements: Measurements
    optimized: ModelFiles | None
    optimized_note: str | None
    description: Description | None = None
    described: StoredFile | None = None  # the same as an artifact
    assets: tuple[StoredFile, ...] = ()
    raw_scores: tuple[str, ...] = ()

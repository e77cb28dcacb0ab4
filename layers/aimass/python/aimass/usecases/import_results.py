"""What the steps of an import hand on to each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aimass.domain.conversion import Conversion
from aimass.domain.description import Description
from aimass.domain.files import ModelFiles, StoredFile
from aimass.domain.model import Measurements, TensorSpec
from aimass.formats.beside import EXPECTED, SAMPLES
from aimass.formats.converter import Environment


@dataclass(frozen=True)
class IdentifiedModel:
    """What `identify` hands on. `environment` is where the model is converted, None for ONNX and for what is `stored`
    as it is; `facts` are what its files say of it, up to 20 KB. `parameter_count` is None where they don't tell.
    """

    format: str
    framework: str
    opset: dict[str, int]
    parameter_count: int | None
    source: ModelFiles
    model: ModelFiles
    beside: tuple[StoredFile, ...] = ()  # what may describe it: aimass.yaml, labels, a tokenizer
    environment: Environment | None = None
    stored: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    own_classes: tuple[str, ...] | None = None  # of an ONNX model, as `Version` has them

    @property
    def sample(self) -> StoredFile | None:
        """Inputs that lie beside it."""
        return next((file for file in self.beside if file.path in SAMPLES), None)

    @property
    def expected(self) -> StoredFile | None:
        """What it answers to that sample."""
        return next((file for file in self.beside if file.path in EXPECTED), None)


@dataclass(frozen=True)
class OrderedConversion:
    """What `order_conversion` hands on: a presigned URL of the order, and the folder in the store that it is about.

    The URL is for the job alone: `convert` puts the job's status in its place.
    """

    order_url: str | dict[str, str]
    folder: str


@dataclass(frozen=True)
class ConvertedModel:
    """What `collect_conversion` hands on: the model as ONNX, None where it was that already, and how it came to be.

    `labels` name the columns of its scores; `describes` is what the original knew of its description, as aimass.yaml's
    sections: hostile until it is checked. `beside` are files that were made with it: a tokenizer, a sample.
    """

    model: ModelFiles | None
    conversion: Conversion | None = None
    labels: tuple[str, ...] = ()
    describes: dict[str, Any] = field(default_factory=dict)
    beside: tuple[StoredFile, ...] = ()

    @property
    def sample(self) -> StoredFile | None:
        """Inputs that its conversion replayed, where none came with it."""
        return next((file for file in self.beside if file.path in SAMPLES), None)


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
    opset: dict[str, int] = field(default_factory=dict)  # of what was converted: identify could not know it
    parameter_count: int | None = None
    own_classes: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()  # what its owner ought to know of the description

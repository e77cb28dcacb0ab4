"""The nouns of the registry: models, versions, variants and aliases, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from aimass.domain.compression import Compression
from aimass.domain.conversion import Conversion
from aimass.domain.description import Description
from aimass.domain.files import ModelFiles, StoredFile
from aimass.domain.jobs import Failure

VersionState = Literal["importing", "ready", "stored", "failed", "deleted"]
PURGED = "purged"
ORIGINAL = "original"


@dataclass(frozen=True)
class TensorSpec:
    """An input or output in the Open Inference Protocol's terms.

    `shape` has -1 for a variable dimension. A sequence, map or optional travels as JSON text in BYTES; `onnx_type`
    always holds the runtime's own type, such as `seq(map(int64,tensor(float)))`.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    onnx_type: str


@dataclass(frozen=True)
class Measurements:
    """What one prediction costs, measured at import on the sample or on generated inputs, one thread."""

    load_ms: float
    memory_bytes: int
    p50_ms: float
    p99_ms: float
    runs: int
    onnxruntime: str


@dataclass(frozen=True)
class Variant:
    """One form of a version that can answer: `original`, or a compressed one."""

    name: str
    compressed: str | None
    pruned: bool
    config: dict[str, Any]
    files: ModelFiles
    optimized: ModelFiles | None
    measurements: Measurements


@dataclass(frozen=True)
class Deletion:
    """When something was deleted, when it will be purged, and the state that a restore brings back."""

    at: str
    purge_at: str
    was: str

    @property
    def is_purged(self) -> bool:
        """Nothing is left but the name or number."""
        return self.was == PURGED


@dataclass(frozen=True)
class Version:
    """A numbered, immutable version of a model. Everything from `framework` on is known once it is ready.

    One that is `stored` is kept as it came, in `kept`: it has no variants, and nothing here answers with it.
    """

    model: str
    number: int
    state: VersionState
    job_id: str
    created_at: str
    filename: str
    label: str | None = None
    labels: tuple[str, ...] = ()
    sample: StoredFile | None = None
    failure: Failure | None = None
    ready_at: str | None = None
    source: ModelFiles | None = None
    format: str | None = None
    framework: str | None = None
    opset: dict[str, int] = field(default_factory=dict)
    parameter_count: int | None = None
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    variants: tuple[Variant, ...] = ()
    notes: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    held_by: tuple[str, ...] = ()  # the aliases that point here
    deleted: Deletion | None = None
    verified_at: str | None = None
    verification_failure: Failure | None = None
    description: Description | None = None
    assets: tuple[StoredFile, ...] = ()  # what the description names: a tokenizer
    document: StoredFile | None = None  # the description as it came with the upload
    described: StoredFile | None = None  # the description as the import left it
    own_classes: tuple[str, ...] | None = None  # what it calls them, by column; empty: 0, 1, ...; None: unknown
    raw_scores: tuple[str, ...] = ()  # outputs that gave numbers below 0 or above 1 at import
    accept_drift: bool = False  # its owner takes a conversion that answers otherwise than the original
    conversion: Conversion | None = None
    kept: ModelFiles | None = None
    facts: dict[str, Any] = field(default_factory=dict)  # what its files say of it, as a GGUF file's header does
    serving_variant: str = ORIGINAL
    compressing: str | None = None  # the job that compresses it: one at a time
    compressions: tuple[Compression, ...] = ()  # the newest first

    @property
    def asset_memory(self) -> int:
        """Memory that the files that its description names take once they are open, in bytes."""
        return sum(file.open_bytes for file in self.assets)

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the columns of scores stand for: the description's labels, or those that came with the upload."""
        return (self.description.labels if self.description else ()) or self.labels

    @property
    def stored_files(self) -> tuple[StoredFile, ...]:
        """Every file that it keeps: source, sample, variants and their optimised graphs, and what describes it."""
        trees = [self.source, self.kept, *(tree for one in self.variants for tree in (one.files, one.optimized))]
        files = [file for tree in trees if tree for file in tree.files]
        reports = [file for one in self.compressions for file in (one.report, one.page)]
        return (*files, *self.assets, *reports, *(one for one in (self.sample, self.document, self.described) if one))

    @property
    def digests(self) -> frozenset[str]:
        """The artifacts that hold them."""
        return frozenset(file.artifact for file in self.stored_files)

    @property
    def stored_bytes(self) -> int:
        """What the version counts for in its tenant's limit: each distinct file once."""
        return sum({file.artifact: file.stored_size for file in self.stored_files}.values())

    @property
    def serving(self) -> Variant:
        """What answers where a call names no variant."""
        return self.variant(self.serving_variant)

    def variant(self, name: str = ORIGINAL) -> Variant:
        """The variant of that name. Raises KeyError naming it."""
        for variant in self.variants:
            if variant.name == name:
                return variant
        raise KeyError(name)


@dataclass(frozen=True)
class Model:
    """A named series of versions of one tenant."""

    name: str
    created_at: str
    last_version: int
    description: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    epoch: int = 0  # grows with every move, delete, restore, purge and new description in it
    deleted: Deletion | None = None


@dataclass(frozen=True)
class VersionSummary:
    """A version as a list shows it, without its tensors and files."""

    model: str
    number: int
    state: VersionState
    created_at: str
    label: str | None = None
    ready_at: str | None = None
    notes: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    held_by: tuple[str, ...] = ()
    size: int | None = None
    variant_names: tuple[str, ...] = ()
    failure: Failure | None = None
    deleted: Deletion | None = None
    serving_variant: str = ORIGINAL


@dataclass(frozen=True)
class Alias:
    """A name that points at a version and moves atomically; `revision` counts its moves. Removed: no version."""

    model: str
    name: str
    version: int | None
    revision: int
    updated_at: str


@dataclass(frozen=True)
class AliasMove:
    """One entry of an alias's history. A rollback names the revision whose version it brought back."""

    model: str
    name: str
    version: int | None
    revision: int
    moved_at: str
    restores: int | None = None


@dataclass(frozen=True)
class Due:
    """Something that has to be done at `at`: purge a version or a model, end an upload or a prediction in its place."""

    at: str
    kind: Literal["version", "model", "upload", "prediction"]
    tenant: str
    subject: str  # the sort key of what it is about

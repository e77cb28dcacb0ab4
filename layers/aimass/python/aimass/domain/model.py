"""The nouns of the registry: models, versions, variants, aliases and jobs, as values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal

from aimass.domain.conversion import Conversion
from aimass.domain.description import Description

VersionState = Literal["importing", "ready", "stored", "failed", "deleted"]
PURGED = "purged"
_OPEN_TOKENIZER = 18  # times its file: 0.7 MB took 9 MiB, 15.6 MB took 282
JobState = Literal["waiting", "running", "succeeded", "failed", "cancelled"]
JobStep = Literal[
    "upload",
    "identify",
    "convert",
    "verify",
    "register",
    "predict",
    "prepare",
    "plan",
    "compress",
    "repair",
    "choose",
    "publish",
]
ORIGINAL = "original"


@dataclass(frozen=True)
class Packed:
    """A file's bytes as they are stored: a Zstandard frame, its SHA-256 and its size."""

    sha256: str
    size: int


@dataclass(frozen=True)
class StoredFile:
    """One file of a model: its path inside the model's folder and the artifact that holds its bytes.

    `memory` is what a tokenizer's file was measured to take once it is open, in bytes; 0 where nobody measured.
    `packed`: the artifact holds the file packed by Zstandard, under a digest of its own.
    """

    path: str
    sha256: str
    size: int
    memory: int = 0
    packed: Packed | None = None

    @property
    def artifact(self) -> str:
        """The digest of the bytes that are stored."""
        return self.packed.sha256 if self.packed else self.sha256

    @property
    def stored_size(self) -> int:
        """How many bytes are stored."""
        return self.packed.size if self.packed else self.size

    @property
    def open_bytes(self) -> int:
        """Memory that a tokenizer's file takes open: as measured, else by what most of them take."""
        return self.memory or self.size * _OPEN_TOKENIZER


@dataclass(frozen=True)
class ModelFiles:
    """A model as files, `main` being the one a runtime opens; the others are its external data."""

    main: str
    files: tuple[StoredFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    @property
    def room(self) -> int:
        """Bytes of disk that fetching it takes: a packed file lies beside what it unpacks to for a moment."""
        return self.size + max((file.packed.size for file in self.files if file.packed), default=0)

    @property
    def sha256(self) -> str:
        """The file's own digest, or for several files the digest of their sorted `digest  path` lines."""
        if len(self.files) == 1:
            return self.files[0].sha256
        lines = sorted(f"{file.sha256}  {file.path}\n" for file in self.files)
        return hashlib.sha256("".join(lines).encode()).hexdigest()


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
class Compression:
    """How a compression of a version ended: the variant chosen, or None where the original is best left alone.

    `budget` is as a user writes it. `report` is JSON, `page` the same for reading.
    """

    job_id: str
    at: str
    budget: dict[str, float]
    objective: str
    chosen: str | None
    reason: str
    variants: tuple[str, ...]  # that it made, or made again
    report: StoredFile
    page: StoredFile


@dataclass(frozen=True)
class Failure:
    """Why a job ended badly: the step it was in, a stable code, a text that says what to do."""

    step: str
    code: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)


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
class Limits:
    """What a tenant may have; `calls_per_second` None is without limit."""

    bytes: int
    models: int
    jobs: int
    calls_per_second: int | None = None


@dataclass(frozen=True)
class Usage:
    """What a tenant has: bytes stored or reserved, models, jobs that have not ended."""

    bytes: int = 0
    models: int = 0
    jobs: int = 0


@dataclass(frozen=True)
class LogLine:
    """One line of a job's log."""

    at: str
    attempt: int
    step: str
    message: str


@dataclass(frozen=True)
class ApiKey:
    """A key as its tenant sees it: never the secret, only how it begins."""

    id: str
    name: str
    prefix: str
    created_at: str
    rotated_at: str | None = None
    expires_at: str | None = None


@dataclass(frozen=True)
class Due:
    """Something that has to be done at `at`: purge a version or a model, end an upload or a prediction in its place."""

    at: str
    kind: Literal["version", "model", "upload", "prediction"]
    tenant: str
    subject: str  # the sort key of what it is about


@dataclass(frozen=True)
class SourceFile:
    """An uploaded object, pinned to the S3 version that its event named."""

    path: str
    key: str
    version_id: str
    size: int


@dataclass(frozen=True)
class Upload:
    """An upload in parts that has been granted and not yet completed."""

    key: str
    storage_id: str
    size: int
    part_size: int
    completing: bool = False  # the store was told to make the file; its event may be on the way


@dataclass(frozen=True)
class StepTime:
    """When an attempt of a job entered a step; it left it when it entered the next, or ended.

    `ended` is what the attempt came to in this step, once another was asked for.
    """

    step: str
    started_at: str
    attempt: int = 1
    ended: JobState | None = None


@dataclass(frozen=True)
class PredictionCall:
    """The call of `POST /predict/{model}` that a prediction job makes; its body is the object at `key`.

    `asked` is the version that it names, as the call names it. An attempt counts as given up after `given_up_at`.
    """

    key: str
    query: dict[str, str]
    headers: dict[str, str]
    given_up_at: str
    expires_at: str  # of the body and of the answer
    asked: str | None = None
    webhook: str | None = None
    version_id: str | None = None  # of the body, once it has arrived

    @property
    def content_type(self) -> str:
        """The body's, as it is stored."""
        return self.headers.get("content-type", "application/octet-stream")


@dataclass(frozen=True)
class PredictionAnswer:
    """What the call was answered: its body is the object at `key`, pinned to its S3 version."""

    status: int
    headers: dict[str, str]
    size: int
    key: str
    version_id: str


@dataclass(frozen=True)
class CompressionCall:
    """What a compression was asked for; what was left out is None.

    `examples` is the folder of the examples, `data/<tenant>/<examples>/...` in the uploads bucket; None: without any.
    `size` and `filename` are of a file that will be put there.
    """

    target: Literal["lambda-x86", "gpu"] = "lambda-x86"
    objective: Literal["size", "latency", "balanced"] = "balanced"
    budget: dict[str, float] | None = None
    methods: tuple[str, ...] | None = None
    examples: str | None = None
    filename: str | None = None
    size: int | None = None


@dataclass(frozen=True)
class Candidate:
    """How far a compression is with one of its candidates, and what was seen of it on the rows that choose.

    `smaller` and `faster` are times, `lost` is in the budget's metric.
    """

    state: Literal["waiting", "compressing", "evaluating", "evaluated", "rejected", "not asked", "passed", "chosen"]
    smaller: float | None = None
    faster: float | None = None
    lost: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Job:
    """Long work that a tenant can follow."""

    id: str
    kind: Literal["import", "verification", "prediction", "compression"]
    model: str
    version: int
    filename: str
    state: JobState
    created_at: str
    step: JobStep = "upload"
    attempt: int = 1
    sha256: str | None = None
    source: tuple[SourceFile, ...] = ()
    upload: Upload | None = None
    execution: str | None = None
    steps: tuple[StepTime, ...] = ()
    finished_at: str | None = None
    error: Failure | None = None
    reserved_bytes: int = 0  # of its tenant's limit, until it ends
    call: PredictionCall | None = None
    answer: PredictionAnswer | None = None
    compression: CompressionCall | None = None
    candidates: dict[str, Candidate] = field(default_factory=dict)  # of a compression, by name, once it is planned

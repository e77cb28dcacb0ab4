"""What the control plane answers, field by field: the schemas of the OpenAPI document."""

from typing import Any, Literal, NotRequired, TypedDict

from aimass.domain.conversion import Conversion
from aimass.domain.jobs import Failure, LogLine
from aimass.domain.model import Measurements, TensorSpec
from aimass.domain.tenants import Limits, Usage


class PackedRecord(TypedDict):
    """Of a file that is stored packed, which `zstd -d` unpacks: the size and the digest of what is stored."""

    packed: NotRequired[Literal["zstd"]]
    stored_size: NotRequired[int]
    stored_sha256: NotRequired[str]


class FileRecord(PackedRecord):
    path: str
    size: int
    sha256: str
    uri: str


class FilesRecord(TypedDict):
    size: int
    sha256: str
    path: str
    files: list[FileRecord]


class VariantRecord(FilesRecord):
    """`packed` is `zstd` where some of its files are stored so; `stored_size` is what all of them take in storage."""

    variant: str
    packed: str | None
    stored_size: int
    compressed: str | None
    pruned: bool
    config: dict[str, Any]
    measurements: Measurements


class DeletionRecord(TypedDict):
    at: str
    purge_at: str


class DescriptionRecord(TypedDict):
    """A model description's document; `inferred` names the parts that nobody wrote."""

    aimass: int
    labels: list[str]
    input: dict[str, Any] | None
    output: dict[str, Any] | None
    batching: NotRequired[dict[str, Any]]
    inferred: list[str]


class SampleRecord(TypedDict):
    """Inputs that came with the upload: the file's path, its digest and its size in bytes."""

    path: str
    sha256: str
    size: int


class VersionRecord(TypedDict):
    """Everything from `compressed` on is there once the version is ready; `error` when its import failed.

    `serving_variant` answers a call without `compress`; what `compressed` to `measurements` say is the original's.

    A stored version, which nothing here answers with, has its files, `format`, `framework`, `parameter_count`, `facts`
    and `source`. `conversion` is null for what was ONNX already.
    """

    name: str
    version: int
    state: str
    timestamp: str
    created_at: str
    filename: str
    label: str | None
    labels: list[str]
    notes: str | None
    tags: dict[str, str]
    aliases: list[str]
    job_id: str
    error: NotRequired[Failure]
    deleted: NotRequired[DeletionRecord]
    serving_variant: NotRequired[str]
    compressed: NotRequired[str | None]
    pruned: NotRequired[bool]
    config: NotRequired[dict[str, Any]]
    size: NotRequired[int]
    sha256: NotRequired[str]
    path: NotRequired[str]
    files: NotRequired[list[FileRecord]]
    measurements: NotRequired[Measurements]
    format: NotRequired[str]
    framework: NotRequired[str]
    opset: NotRequired[dict[str, int]]
    parameter_count: NotRequired[int | None]
    facts: NotRequired[dict[str, Any]]
    conversion: NotRequired[Conversion | None]
    inputs: NotRequired[list[TensorSpec]]
    outputs: NotRequired[list[TensorSpec]]
    source: NotRequired[FilesRecord]
    sample: NotRequired[SampleRecord | None]
    description: NotRequired[DescriptionRecord | None]
    verified_at: NotRequired[str]
    verification_error: NotRequired[Failure | None]
    variants: NotRequired[list[VariantRecord]]


class VersionSummary(TypedDict):
    version: int
    state: str
    label: str | None
    notes: str | None
    tags: dict[str, str]
    aliases: list[str]
    timestamp: str
    size: int | None
    variants: list[str]
    serving_variant: str | None
    error: Failure | None
    purge_at: str | None


class VersionList(TypedDict):
    versions: list[VersionSummary]
    next_token: str | None


class AliasRecord(TypedDict):
    model: str
    alias: str
    version: int
    revision: int
    updated_at: str


class MoveRecord(TypedDict):
    """Without a version the alias was removed; `restores` is the revision that a rollback brought back."""

    model: str
    alias: str
    version: int | None
    revision: int
    moved_at: str
    restores: int | None


class MoveList(TypedDict):
    moves: list[MoveRecord]
    next_token: str | None


class ModelSummary(TypedDict):
    name: str
    description: str | None
    tags: dict[str, str]
    created_at: str
    last_version: int
    purge_at: str | None


class ModelRecord(ModelSummary):
    latest: int | None
    aliases: list[AliasRecord]


class ModelList(TypedDict):
    models: list[ModelSummary]
    next_token: str | None


class DownloadRecord(PackedRecord):
    path: str
    size: int
    sha256: str
    url: str


class Downloads(TypedDict):
    name: str
    version: int
    variant: str
    main: str
    expires_at: str
    files: list[DownloadRecord]


class LimitsRecord(TypedDict):
    limits: Limits
    used: Usage


class StepRecord(TypedDict):
    """`state` is `succeeded`, or what the attempt came to in it (`unfinished`: nobody said); of the last, the job's."""

    step: str
    started_at: str
    attempt: int
    state: str


class ExamplesRecord(TypedDict):
    """A file that was announced; or a folder, with how many `files` lay there when the compression was asked for."""

    size: NotRequired[int]
    filename: NotRequired[str]
    prefix: NotRequired[str]
    files: NotRequired[int]


class CompressionAsked(TypedDict):
    """As in the request; `methods` is `auto` or a list, and without a `budget` the platform takes one that fits."""

    budget: dict[str, float] | None
    data: ExamplesRecord | None
    methods: str | list[str]
    target: str
    objective: str


class CandidateRecord(TypedDict):
    """`smaller` and `faster` are times, `lost` is in the budget's metric.

    Once the job has ended there is none that goes on: `cancelled`, or `not finished` where the job failed.
    """

    state: Literal[
        "waiting",
        "compressing",
        "evaluating",
        "evaluated",
        "rejected",
        "not asked",
        "passed",
        "chosen",
        "cancelled",
        "not finished",
    ]
    smaller: float | None
    faster: float | None
    lost: float | None
    reason: str | None


class ReportUrls(TypedDict):
    """Where the report can be fetched, for an hour."""

    json: str
    html: str


class CompressionResult(TypedDict):
    """`chosen` is a variant, or null where the original is best left alone."""

    chosen: str | None
    reason: str
    variants: list[str]
    report: ReportUrls


class JobResult(TypedDict, total=False):
    """What a prediction job was answered, `url` giving the body for an hour; from `chosen` on, a compression's."""

    status: int
    size: int
    content_type: str
    headers: dict[str, str]
    url: str
    chosen: str | None
    reason: str
    variants: list[str]
    report: ReportUrls


class CompressionRecord(CompressionResult):
    job_id: str
    at: str
    budget: dict[str, float]
    objective: str


class CompressionList(TypedDict):
    """`running` is the job that compresses the version now."""

    compressions: list[CompressionRecord]
    running: str | None


class JobRecord(TypedDict):
    """From `expires_at` on: a prediction's, then a compression's. `result` is of both."""

    job_id: str
    kind: str
    model_name: str
    version: int | None
    filename: str
    state: str
    step: str
    attempt: int
    created_at: str
    finished_at: str | None
    steps: list[StepRecord]
    error: Failure | None
    expires_at: NotRequired[str]
    webhook: NotRequired[str | None]
    compression: NotRequired[CompressionAsked]
    candidates: NotRequired[dict[str, CandidateRecord]]
    result: NotRequired[JobResult | None]


class JobList(TypedDict):
    jobs: list[JobRecord]
    next_token: str | None


class LogRecord(TypedDict):
    lines: list[LogLine]
    next_token: str | None


class Accepted(TypedDict):
    model_name: str
    version: int
    job_id: str
    status_url: str


class PutRecord(TypedDict):
    """A request that stores the body, as it must be sent."""

    method: str
    url: str
    headers: dict[str, str]
    expires_at: str


class AwaitedPrediction(Accepted):
    """The 201 of `POST /api/v1/models/{model}/predictions?size=`."""

    upload: PutRecord


class AwaitedCompression(Accepted):
    """The 201 of a compression whose examples will be sent."""

    upload: PutRecord


class WebhookSecretRecord(TypedDict):
    """`secret` is null in an answer that was asked for again under its Idempotency-Key; `note` then says so."""

    secret: str | None
    created_at: str
    note: NotRequired[str]


class RegisteredUpload(Accepted, VersionRecord):
    """The 201 of `POST /upload?wait=`."""


class PartRecord(TypedDict):
    part_number: int
    size: int
    received: bool
    etag: NotRequired[str]
    url: NotRequired[str]


class UploadRecord(TypedDict):
    upload_id: str
    model: str
    version: int
    state: str
    size: int
    part_size: int
    parts: list[PartRecord]


class StartedUpload(UploadRecord):
    """The 201 of `POST /api/v1/uploads`."""

    model_name: str
    job_id: str
    status_url: str


class KeyRecord(TypedDict):
    id: str
    name: str
    prefix: str
    created_at: str
    rotated_at: str | None
    expires_at: str | None


class KeyList(TypedDict):
    keys: list[KeyRecord]


class KeySecret(KeyRecord):
    """`secret` is null in an answer that was asked for again under its Idempotency-Key; `note` then says so."""

    secret: str | None
    note: NotRequired[str]

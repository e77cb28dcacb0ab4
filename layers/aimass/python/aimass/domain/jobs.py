"""Long work that a tenant can follow, and what it is about: an upload, the call of a prediction or a compression."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from aimass.domain.compression import Candidate, CompressionCall

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


@dataclass(frozen=True)
class Failure:
    """Why a job ended badly: the step it was in, a stable code, a text that says what to do."""

    step: str
    code: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LogLine:
    """One line of a job's log."""

    at: str
    attempt: int
    step: str
    message: str


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

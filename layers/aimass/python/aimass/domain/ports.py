"""What the use cases need of the outside, one Protocol a role."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Generic, Protocol, TypeVar

from aimass.domain.description import Description
from aimass.domain.model import (
    Alias,
    AliasMove,
    ApiKey,
    Deletion,
    Due,
    Failure,
    Job,
    Limits,
    LogLine,
    Model,
    PredictionAnswer,
    SourceFile,
    StoredFile,
    Usage,
    Version,
    VersionSummary,
)
from aimass.domain.webhooks import Target, WebhookSecret

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some of a list, and the token that asks for what comes after it."""

    items: tuple[T, ...]
    next_token: str | None = None


@dataclass(frozen=True)
class PageRequest:
    """`limit` entries at most, from where `token` left off. A page may hold fewer and still have a next one."""

    limit: int = 100
    token: str | None = None


class VersionReader(Protocol):
    """The part of the registry that a prediction reads."""

    def model_epoch(self, tenant: str, model: str) -> int: ...

    def get_version(self, tenant: str, model: str, number: int) -> Version: ...

    def get_alias(self, tenant: str, model: str, name: str) -> Alias: ...

    def latest_version(self, tenant: str, model: str) -> Version: ...

    def list_models(self, tenant: str, page: PageRequest, *, deleted: bool = False) -> Page[Model]: ...

    def list_versions(
        self, tenant: str, model: str, page: PageRequest, *, state: str | None, tag: tuple[str, str] | None
    ) -> Page[VersionSummary]: ...

    def list_all_versions(self, tenant: str, page: PageRequest) -> Page[VersionSummary]: ...


class ModelRegistry(VersionReader, Protocol):
    """Models, versions, aliases and jobs of a tenant, with the transactions that keep them whole."""

    def reserve(self, tenant: str, version: Version, job: Job, limits: Limits) -> None: ...

    def next_number(self, tenant: str, model: str) -> int: ...

    def find_model(self, tenant: str, name: str) -> Model: ...

    def get_model(self, tenant: str, name: str) -> Model: ...

    def list_models_by_tag(self, tenant: str, key: str, value: str, page: PageRequest) -> Page[Model]: ...

    def describe_model(self, tenant: str, before: Model, after: Model) -> None: ...

    def delete_model(self, tenant: str, model: Model, deletion: Deletion) -> None: ...

    def restore_model(self, tenant: str, model: Model) -> None: ...

    def purge_model(self, tenant: str, model: Model) -> None: ...

    def version_numbers(self, tenant: str, model: str) -> Iterator[int]: ...

    def describe_version(self, tenant: str, before: Version, after: Version) -> None: ...

    def set_description(self, tenant: str, version: Version, description: Description | None) -> None: ...

    def delete_version(self, tenant: str, version: Version, deletion: Deletion) -> None: ...

    def restore_version(self, tenant: str, version: Version) -> None: ...

    def purge_version(self, tenant: str, version: Version) -> None: ...

    def list_aliases(self, tenant: str, model: str) -> list[Alias]: ...

    def find_alias(self, tenant: str, model: str, name: str) -> Alias | None: ...

    def move_alias(self, tenant: str, before: Alias | None, move: AliasMove) -> Alias: ...

    def alias_history(self, tenant: str, model: str, name: str, page: PageRequest) -> Page[AliasMove]: ...

    def alias_at(self, tenant: str, model: str, name: str, moment: str) -> AliasMove | None: ...

    def get_job(self, tenant: str, job_id: str) -> Job: ...

    def list_jobs(self, tenant: str, page: PageRequest, *, state: str | None, model: str | None) -> Page[Job]: ...

    def record_job(self, tenant: str, job: Job) -> None: ...

    def start_job(self, tenant: str, job: Job, limits: Limits) -> None: ...

    def requeue(
        self, tenant: str, job: Job, *, was: Job, limits: Limits | None = None, accept_drift: bool = False
    ) -> None: ...

    def enter_step(self, tenant: str, job_id: str, attempt: int, step: str) -> None: ...

    def register(self, tenant: str, version: Version, job: Job) -> None: ...

    def register_verification(self, tenant: str, before: Version, after: Version, job: Job) -> None: ...

    def fail(self, tenant: str, job: Job, failure: Failure, *, state: str = "failed") -> None: ...

    def reserve_prediction(self, tenant: str, job: Job, limits: Limits) -> None: ...

    def start_prediction(self, tenant: str, job: Job, *, was: Job) -> None: ...

    def repeat_prediction(self, tenant: str, job: Job, *, was: Job, limits: Limits) -> None: ...

    def end_prediction(self, tenant: str, job: Job, *, was: Job) -> None: ...

    def log(
        self, tenant: str, job_id: str, attempt: int, step: str, message: str, *, at: str | None = None, place: int = 0
    ) -> None: ...

    def read_log(self, tenant: str, job_id: str, page: PageRequest) -> Page[LogLine]: ...


class TenantLimits(Protocol):
    """What tenants were granted, and what they use."""

    def limits_of(self, tenant: str) -> Limits: ...

    def usage_of(self, tenant: str) -> Usage: ...

    def grant(self, tenant: str, limits: Limits) -> None: ...


class DueList(Protocol):
    """What has to be done later, by date, over all tenants."""

    def due(self, moment: str) -> Iterator[Due]: ...

    def done(self, due: Due) -> None: ...


class ArtifactIndex(Protocol):
    """Which artifacts are wanted, and by which versions."""

    def touch(self, tenant: str, sha256: str) -> None: ...

    def refer(self, tenant: str, model: str, version: int, digests: Iterable[str]) -> None: ...

    def unrefer(self, tenant: str, model: str, version: int, digests: Iterable[str]) -> None: ...

    def references(self, tenant: str, sha256: str) -> Sequence[tuple[str, int]]: ...

    def mark_deleting(self, tenant: str, sha256: str, unwanted_since: str) -> bool: ...

    def forget(self, tenant: str, sha256: str) -> None: ...


class ArtifactReader(Protocol):
    """Reads content-addressed bytes of a tenant."""

    def fetch(self, tenant: str, file: StoredFile, target: Path) -> None: ...


class ArtifactStore(ArtifactReader, Protocol):
    """Content-addressed bytes of a tenant: identical files share one artifact."""

    def put_file(self, tenant: str, path: str, source: Path) -> StoredFile: ...

    def uri(self, tenant: str, sha256: str) -> str: ...

    def download_url(self, tenant: str, file: StoredFile, seconds: int) -> str: ...


class ArtifactSweeper(Protocol):
    """Lists and deletes artifacts, of all tenants."""

    def older_than(self, moment: str) -> Iterator[tuple[str, str]]: ...

    def delete(self, tenant: str, sha256: str) -> None: ...


@dataclass(frozen=True)
class ObjectMarks:
    """What an object says of itself: the job that our API made for it, and whether its model may drift."""

    job_id: str | None = None
    accept_drift: bool = False


class UploadStore(Protocol):
    """Where uploads arrive, each object pinned to its version."""

    def put(self, key: str, body: BinaryIO, job_id: str) -> None: ...

    def start_multipart(self, key: str, job_id: str) -> str: ...

    def part_url(self, key: str, storage_id: str, number: int, size: int) -> str: ...

    def list_parts(self, key: str, storage_id: str) -> dict[int, tuple[str, int]]: ...

    def complete_multipart(self, key: str, storage_id: str, parts: list[tuple[int, str]]) -> None: ...

    def abort_multipart(self, key: str, storage_id: str) -> None: ...

    def marks_of(self, key: str, version_id: str) -> ObjectMarks: ...

    def list_folder(self, prefix: str) -> list[SourceFile]: ...

    def download(self, file: SourceFile, target: Path) -> str: ...


class ConversionFiles(Protocol):
    """What a conversion's job is told, and what it leaves behind."""

    def put_order(self, key: str, body: bytes, seconds: int) -> str: ...

    def put_url(self, key: str, seconds: int) -> str: ...

    def read(self, key: str, most: int) -> bytes: ...

    def fetch(self, key: str, target: Path, most: int) -> None: ...


class PredictionFiles(Protocol):
    """Bodies and answers of prediction jobs."""

    def put_input(self, key: str, body: bytes, content_type: str) -> None: ...

    def input_url(self, key: str, size: int, content_type: str) -> str: ...

    def find_input(self, key: str) -> str | None: ...

    def read_input(self, key: str, version_id: str) -> bytes: ...

    def repeat_input(self, key: str, version_id: str, content_type: str) -> None: ...

    def put_answer(self, key: str, body: bytes, content_type: str) -> str: ...

    def read_answer(self, answer: PredictionAnswer) -> bytes: ...

    def answer_url(self, answer: PredictionAnswer) -> str: ...


class WebhookSecrets(Protocol):
    """What each tenant's webhooks are signed with."""

    def find(self, tenant: str) -> WebhookSecret | None: ...

    def keep(self, tenant: str, secret: WebhookSecret) -> None: ...


class WebhookQueue(Protocol):
    """Webhooks that shall be sent."""

    def announce(self, tenant: str, job_id: str, attempt: int) -> None: ...


class WebhookSender(Protocol):
    """Sends one, and answers with the status. Raises NotDelivered."""

    def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> int: ...


class ImportRunner(Protocol):
    """Starts the import state machine; a name that ran before starts nothing."""

    def start(self, name: str, document: dict[str, Any]) -> None: ...

    def has_ended(self, name: str) -> bool: ...

    def stop(self, name: str) -> None: ...


class ApiKeys(Protocol):
    """API keys of all tenants, held as hashes only."""

    def holder_of(self, key_hash: str, moment: str) -> tuple[str, str] | None: ...

    def list_keys(self, tenant: str) -> list[ApiKey]: ...

    def add(self, tenant: str, key: ApiKey, key_hash: str) -> None: ...

    def rotate(self, tenant: str, before: ApiKey, after: ApiKey, key_hash: str, old_until: str) -> None: ...

    def revoke(self, tenant: str, key_id: str, remaining: str | None) -> None: ...


class CallCounter(Protocol):
    """Calls of a tenant in one second, over all environments."""

    def add(self, tenant: str, second: int, calls: int) -> int: ...

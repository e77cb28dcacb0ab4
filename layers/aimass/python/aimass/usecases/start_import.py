"""From an object that arrived in S3 to a running import, once, however often its event comes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ulid import ULID

from aimass.domain.clock import now
from aimass.domain.errors import (
    AimassError,
    ImportRefused,
    InvalidArguments,
    JobExists,
    JobNotFound,
    LimitExceeded,
    ModelDeleted,
    PayloadTooLarge,
)
from aimass.domain.jobs import Failure, Job, SourceFile
from aimass.domain.names import check_name
from aimass.domain.ports import ImportRunner, ModelRegistry, TenantLimits, UploadStore
from aimass.usecases.uploads import MAX_UPLOAD_BYTES, NewVersion, reserve, upload_key

COMPLETE = "_COMPLETE"
MAX_FILES = 1000
MAX_FILES_BYTES = 250_000


@dataclass(frozen=True)
class ArrivedObject:
    """An object version that an S3 event named; `time` is the event's, ISO 8601."""

    bucket: str
    key: str
    version_id: str
    size: int
    time: str

    @property
    def fingerprint(self) -> str:
        """The same for every delivery of the same event: it names the execution."""
        return hashlib.sha256(f"{self.bucket}\n{self.key}\n{self.version_id}".encode()).hexdigest()

    @property
    def job_id(self) -> str:
        """A ULID of the event's time and, for its random part, the fingerprint: a doubled event names the same job."""
        milliseconds = int(datetime.fromisoformat(self.time).timestamp() * 1000)
        return str(ULID(milliseconds.to_bytes(6, "big") + bytes.fromhex(self.fingerprint)[:10]))


@dataclass(frozen=True)
class Imports:
    """Where imports are noted, read and run."""

    registry: ModelRegistry
    uploads: UploadStore
    runner: ImportRunner
    limits: TenantLimits


def start_import(at: Imports, arrived: ArrivedObject) -> str | None:
    """Starts the import of what arrived, and returns its job's id; None when the object waits for others.

    `uploads/<tenant>/<model>/<file>` imports itself. Deeper files wait for `_COMPLETE` in or above their folder,
    directly under the model or in one of its folders, and become one model of several files. The metadata
    `accept-drift: true` of the file, or of `_COMPLETE`, takes a conversion that drifts.

    Raises LimitExceeded while the tenant has as many jobs as it may: the event shall come again.
    """
    _, tenant, *rest = arrived.key.split("/", 3)
    check_name("tenant", tenant)
    if len(rest) < 2:
        misplaced = InvalidArguments(f"put model files under uploads/{tenant}/<model>/, not at {arrived.key!r}")
        return _refuse(at.registry, tenant, NewVersion("", rest[-1] if rest else ""), arrived.job_id, misplaced)
    model, path = rest
    folder, _, name = path.rpartition("/")
    if name == COMPLETE:
        return _start_folder(at, arrived, tenant, model)
    if folder or not name:
        return None
    marks = at.uploads.marks_of(arrived.key, arrived.version_id)
    job_id = _announced(at, arrived, tenant, marks.job_id) or arrived.job_id
    source = SourceFile(name, arrived.key, arrived.version_id, arrived.size)
    new = NewVersion(model, name, accept_drift=marks.accept_drift)
    return _start(at, arrived, tenant, new, job_id, (source,))


def _announced(at: Imports, arrived: ArrivedObject, tenant: str, job_id: str | None) -> str | None:
    """The job that our API made for this very object. A copy carries its original's metadata, and is an upload anew."""
    if job_id is None:
        return None
    try:
        job = at.registry.get_job(tenant, job_id)
    except JobNotFound:
        return None
    # One that was cancelled, or given up, before its object came is this object's still: it makes no other version.
    is_its_own = job.execution in {None, arrived.fingerprint}
    return job_id if is_its_own and upload_key(tenant, job) == arrived.key else None


def _start_folder(at: Imports, arrived: ArrivedObject, tenant: str, model: str) -> str | None:
    prefix = arrived.key.removesuffix(COMPLETE)
    beside_others = prefix == f"uploads/{tenant}/{model}/"  # whose own folders are models by themselves
    files = [file for file in at.uploads.list_folder(prefix) if _belongs(file.path, flat=beside_others)]
    marks = at.uploads.marks_of(arrived.key, arrived.version_id)
    new = NewVersion(model, prefix.rstrip("/").rsplit("/", 1)[-1], accept_drift=marks.accept_drift)
    described = sum(len(file.key) + len(file.path) + 100 for file in files)
    if not files or len(files) > MAX_FILES or described > MAX_FILES_BYTES:
        error = ImportRefused(
            f"a model of several files has 1 to {MAX_FILES} files, their names {MAX_FILES_BYTES} bytes at most;"
            f" {prefix} has {len(files)}, with names of {described}"
        )
        return _refuse(at.registry, tenant, new, arrived.job_id, error)
    return _start(at, arrived, tenant, new, arrived.job_id, tuple(files))


def _belongs(path: str, *, flat: bool) -> bool:
    folder, _, name = path.rpartition("/")
    return name not in {"", COMPLETE} and not (flat and folder)


def _start(
    at: Imports, arrived: ArrivedObject, tenant: str, new: NewVersion, job_id: str, source: tuple[SourceFile, ...]
) -> str | None:
    size = sum(file.size for file in source)
    try:
        if size > MAX_UPLOAD_BYTES:
            raise PayloadTooLarge(f"{size} bytes are more than the {MAX_UPLOAD_BYTES} that one import takes", size=size)
        job = _job(at, tenant, replace(new, size=size), job_id)
    except (InvalidArguments, LimitExceeded, ModelDeleted, PayloadTooLarge) as error:
        if error.details.get("limit") == "jobs":
            raise  # others end: the event comes again
        return _refuse(at.registry, tenant, new, job_id, error)
    if _awaits_its_file(job):
        running = replace(
            job, state="running", source=source, execution=arrived.fingerprint, finished_at=None, error=None
        )
        at.registry.requeue(tenant, running, was=job, limits=at.limits.limits_of(tenant))
        job = running
    if job.state == "running" and job.execution == arrived.fingerprint:
        at.runner.start(execution_name(job), execution_input(tenant, job))
    return job.id


def _awaits_its_file(job: Job) -> bool:
    """It waits, or had been given up because its file did not come in time."""
    return job.state == "waiting" or (job.state == "failed" and job.execution is None and job.version > 0)


def _job(at: Imports, tenant: str, new: NewVersion, job_id: str) -> Job:
    try:
        return at.registry.get_job(tenant, job_id)
    except JobNotFound:
        pass
    try:
        return reserve(at.registry, tenant, new, at.limits.limits_of(tenant), job_id=job_id)
    except JobExists:
        return at.registry.get_job(tenant, job_id)


def _refuse(registry: ModelRegistry, tenant: str, new: NewVersion, job_id: str, error: AimassError) -> str:
    """Nothing can be reserved, so the reason is kept as a failed job, where whoever put the file will look."""
    reason = Failure("upload", error.code, error.message, error.details)
    registry.record_job(
        tenant, Job(job_id, "import", new.model, 0, new.filename, "failed", now(), finished_at=now(), error=reason)
    )
    return job_id


def execution_name(job: Job) -> str:
    """What names the attempt's execution: the same for the same attempt, so that it runs once."""
    return f"{job.execution}" if job.attempt == 1 else f"{job.execution}-{job.attempt}"


def execution_input(tenant: str, job: Job) -> dict[str, Any]:
    """What the state machine carries: references, never bytes."""
    return {"tenant": tenant, "model": job.model, "version": job.version, "job_id": job.id, "attempt": job.attempt}

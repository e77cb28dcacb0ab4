"""Uploads: a version number is reserved and a job made before the first byte is stored."""

from __future__ import annotations

import hashlib
import io
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ulid import ULID

from aimass.domain.clock import now
from aimass.domain.errors import (
    Busy,
    Conflict,
    InvalidArguments,
    JobNotFound,
    PayloadTooLarge,
    UploadIncomplete,
    UploadNotFound,
    VersionTaken,
)
from aimass.domain.files import StoredFile
from aimass.domain.jobs import Failure, Job, Upload
from aimass.domain.model import Version
from aimass.domain.names import MAX_NUMBER, check_filename, check_name, check_texts
from aimass.domain.ports import ArtifactStore, ModelRegistry, UploadStore
from aimass.domain.tenants import Limits

MIB = 1024 * 1024
MAX_UPLOAD_BYTES = 4096 * MIB  # with what it unpacks to it must fit the 10 GB that a function can store
PART_BYTES = 64 * MIB
_TRIES = 8


@dataclass(frozen=True)
class NewVersion:
    """What a caller says of the version to come; `number` None takes the next free one."""

    model: str
    filename: str
    number: int | None = None
    label: str | None = None
    labels: tuple[str, ...] = ()
    sample: StoredFile | None = None
    document: StoredFile | None = None
    sha256: str | None = None
    size: int = 0
    accept_drift: bool = False  # a conversion that answers otherwise than the original is taken all the same


@dataclass(frozen=True)
class Attachment:
    """A sample input, or a description's document, as it was sent; stored once its upload is granted."""

    artifacts: ArtifactStore
    filename: str
    body: bytes

    @property
    def file(self) -> StoredFile:
        """The artifact that it will be."""
        return StoredFile(self.filename, hashlib.sha256(self.body).hexdigest(), len(self.body))


def reserve(registry: ModelRegistry, tenant: str, new: NewVersion, limits: Limits, *, job_id: str | None = None) -> Job:
    """Reserves the number, what the upload may take, and makes the waiting job.

    Raises InvalidArguments, VersionTaken, JobExists, ModelDeleted, LimitExceeded.
    """
    check_name("model", new.model)
    check_filename(new.filename)
    check_texts(new.label, new.labels)
    job_id = job_id or str(ULID())
    for attempt in range(_TRIES):
        number = new.number or registry.next_number(tenant, new.model)
        if number > MAX_NUMBER:
            raise Conflict(f"model {new.model!r} has used its highest version number, {MAX_NUMBER}", model=new.model)
        job = Job(
            job_id,
            "import",
            new.model,
            number,
            new.filename,
            "waiting",
            now(),
            sha256=new.sha256,
            reserved_bytes=new.size + sum(one.size for one in (new.sample, new.document) if one),
        )
        version = Version(
            new.model,
            number,
            "importing",
            job.id,
            job.created_at,
            new.filename,
            label=new.label,
            labels=new.labels,
            sample=new.sample,
            document=new.document,
            accept_drift=new.accept_drift,
        )
        if _reserved(registry, tenant, version, job, limits, explicit=new.number is not None):
            return job
        time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 jitter is no secret
    raise Busy(f"many uploads of {new.model!r} at once; try again", model=new.model, retry_after=1)


def _reserved(
    registry: ModelRegistry, tenant: str, version: Version, job: Job, limits: Limits, *, explicit: bool
) -> bool:
    try:
        registry.reserve(tenant, version, job, limits)
    except VersionTaken:
        if explicit:
            raise
        return False
    except Conflict as conflict:
        if type(conflict) is not Conflict:
            raise
        return False
    return True


def upload_whole(
    registry: ModelRegistry,
    uploads: UploadStore,
    tenant: str,
    new: NewVersion,
    limits: Limits,
    body: bytes,
    sample: Attachment | None = None,
    document: Attachment | None = None,
) -> Job:
    """Reserves a version and stores a small file, and what came with it, in one call; the S3 event starts the import.

    Nothing is stored of what does not fit the tenant's limits. Raises what `reserve` does, ArtifactBusy.
    """
    if not body:
        raise InvalidArguments("the model file is empty", fields={"model": "0 bytes"})
    if sample:
        check_filename(sample.filename)
        new = replace(new, sample=sample.file)
    if document:
        new = replace(new, document=document.file)
    job = reserve(registry, tenant, replace(new, size=len(body)), limits)
    with _failing_job_on_error(registry, tenant, job):
        for one in (sample, document):
            if one:
                keep(one, tenant)
        uploads.put(upload_key(tenant, job), io.BytesIO(body), job.id)
    return job


def keep(attachment: Attachment, tenant: str) -> StoredFile:
    """Stores it; `verify` reads it, and judges it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "attachment"
        path.write_bytes(attachment.body)
        return attachment.artifacts.put_file(tenant, attachment.filename, path)


def start_upload(
    registry: ModelRegistry,
    uploads: UploadStore,
    tenant: str,
    new: NewVersion,
    limits: Limits,
    document: Attachment | None = None,
) -> Job:
    """Grants an upload of `new.size` bytes in parts. Raises PayloadTooLarge, LimitExceeded."""
    size = new.size
    if size > MAX_UPLOAD_BYTES:
        raise PayloadTooLarge(
            f"{size} bytes are more than the {MAX_UPLOAD_BYTES} that one upload takes",
            size=size,
            limit=MAX_UPLOAD_BYTES,
        )
    job = reserve(registry, tenant, replace(new, document=document.file if document else None), limits)
    key = upload_key(tenant, job)
    with _failing_job_on_error(registry, tenant, job):
        if document:
            keep(document, tenant)
        granted = replace(job, upload=Upload(key, uploads.start_multipart(key, job.id), size, PART_BYTES))
        registry.requeue(tenant, granted, was=job)
    return granted


def part_sizes(upload: Upload) -> dict[int, int]:
    """Part number to its bytes: all are `part_size` but the last."""
    count = -(-upload.size // upload.part_size)
    sizes = dict.fromkeys(range(1, count + 1), upload.part_size)
    sizes[count] = upload.size - (count - 1) * upload.part_size
    return sizes


def describe_upload(registry: ModelRegistry, uploads: UploadStore, tenant: str, upload_id: str) -> dict[str, Any]:
    """What has arrived, and a fresh URL for every part that has not."""
    job, upload = _upload(registry, tenant, upload_id)
    open_still = job.state == "waiting"
    arrived = _arrived(registry, uploads, tenant, job, upload) if open_still else None
    return {
        "upload_id": job.id,
        "model": job.model,
        "version": job.version,
        "state": job.state,
        "size": upload.size,
        "part_size": upload.part_size,
        "parts": [_part(uploads, upload, number, arrived) for number in part_sizes(upload)] if open_still else [],
    }


def _part(
    uploads: UploadStore, upload: Upload, number: int, arrived: dict[int, tuple[str, int]] | None
) -> dict[str, Any]:
    size = part_sizes(upload)[number]
    part: dict[str, Any] = {"part_number": number, "size": size, "received": True}
    if arrived is None:
        return part
    if number in arrived and arrived[number][1] == size:
        return part | {"etag": arrived[number][0]}
    return part | {"received": False, "url": uploads.part_url(upload.key, upload.storage_id, number, size)}


def _arrived(
    registry: ModelRegistry, uploads: UploadStore, tenant: str, job: Job, upload: Upload
) -> dict[int, tuple[str, int]] | None:
    """The parts that have arrived; None once they are one file. Raises UploadNotFound when they expired."""
    try:
        return uploads.list_parts(upload.key, upload.storage_id)
    except UploadNotFound:
        if upload.completing:
            return None
        registry.fail(tenant, job, Failure("upload", "upload_expired", "the parts expired before they were completed"))
        raise


def complete_upload(
    registry: ModelRegistry, uploads: UploadStore, tenant: str, upload_id: str, parts: dict[int, str]
) -> Job:
    """Makes the file of its parts. Saying it twice is fine. Raises UploadIncomplete naming what is missing."""
    job, upload = _upload(registry, tenant, upload_id)
    if job.state == "cancelled":
        raise UploadNotFound("this upload was aborted; create a new one", upload_id=upload_id)
    if job.state != "waiting":
        return job
    arrived = _arrived(registry, uploads, tenant, job, upload)
    if arrived is None:
        return job
    _check_parts(part_sizes(upload), parts, arrived)
    completing = replace(job, upload=replace(upload, completing=True))
    registry.requeue(tenant, completing, was=job)
    with suppress(UploadNotFound):  # a doubled call was quicker
        uploads.complete_multipart(upload.key, upload.storage_id, sorted(parts.items()))
    return completing


def _check_parts(sizes: dict[int, int], named: dict[int, str], arrived: dict[int, tuple[str, int]]) -> None:
    missing = [number for number in sizes if number not in arrived or number not in named]
    wrong = [number for number, (_, size) in arrived.items() if sizes.get(number) not in {None, size}]
    other = [
        number for number in named if number in arrived and named[number].strip('"') != arrived[number][0].strip('"')
    ]
    unknown = [number for number in named if number not in sizes]
    if missing or wrong or other or unknown:
        raise UploadIncomplete(
            "the parts do not make up the file that was announced",
            missing_parts=missing,
            parts_of_wrong_size=wrong,
            parts_with_another_etag=other,
            unknown_parts=unknown,
        )


def abort_upload(registry: ModelRegistry, uploads: UploadStore, tenant: str, upload_id: str) -> None:
    """Drops a waiting upload; its version number stays used. Raises Conflict when it has been completed."""
    job, upload = _upload(registry, tenant, upload_id)
    if job.state == "cancelled":
        return
    over = Conflict(f"upload {upload_id} is complete or over; its job is {job.state}", state=job.state)
    if job.state != "waiting":
        raise over
    try:
        uploads.abort_multipart(upload.key, upload.storage_id)
    except UploadNotFound as error:
        if upload.completing:
            raise over from error
    registry.fail(tenant, job, Failure("upload", "upload_aborted", "the upload was aborted"), state="cancelled")


def _upload(registry: ModelRegistry, tenant: str, upload_id: str) -> tuple[Job, Upload]:
    unknown = UploadNotFound(f"no upload {upload_id!r}", upload_id=upload_id)
    try:
        job = registry.get_job(tenant, upload_id)
    except JobNotFound as error:
        raise unknown from error
    if job.upload is None:
        raise unknown
    return job, job.upload


def upload_key(tenant: str, job: Job) -> str:
    """Where the job's file is put."""
    return f"uploads/{tenant}/{job.model}/{job.filename}"


@contextmanager
def _failing_job_on_error(registry: ModelRegistry, tenant: str, job: Job) -> Iterator[None]:
    """Leaves the reserved version in a named failed state when its bytes could not be stored."""
    try:
        yield
    except Exception:
        reason = Failure("upload", "upload_failed", "the upload could not be stored; send it again")
        registry.fail(tenant, job, reason)
        raise

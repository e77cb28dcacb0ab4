"""Compressions as jobs: asked for, and started once their examples have come."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ulid import ULID

from aimass.domain.clock import now
from aimass.domain.compression import MOST_VARIANTS, CompressionCall, check_budget, check_methods
from aimass.domain.errors import (
    Conflict,
    InvalidArguments,
    JobNotFound,
    LimitExceeded,
    NotServable,
    VersionNotReady,
)
from aimass.domain.jobs import Failure, Job
from aimass.domain.model import Version
from aimass.domain.ports import ExampleFiles, ImportRunner, ModelRegistry, TenantLimits
from aimass.usecases.examples import check_upload, checked_prefix, listed
from aimass.usecases.start_import import ArrivedObject, execution_input, execution_name

URL_SECONDS = 3600


@dataclass(frozen=True)
class Compressions:
    """Where compressions are noted, what they are shown, and what runs them."""

    registry: ModelRegistry
    examples: ExampleFiles
    runner: ImportRunner
    limits: TenantLimits


@dataclass(frozen=True)
class Data:
    """Examples: a file that will be sent, or a folder that lies there."""

    size: int | None = None
    filename: str | None = None
    prefix: str | None = None


@dataclass(frozen=True)
class NewCompression:
    """What is asked for; `budget` and `methods` as they were written."""

    model: str
    version: int
    budget: Any = None
    data: Data | None = None
    methods: Any = None
    target: Literal["lambda-x86", "gpu"] = "lambda-x86"
    objective: Literal["size", "latency", "balanced"] = "balanced"


@dataclass(frozen=True)
class Grant:
    """Where a job's file is put: a PUT of these headers, for an hour."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


def request_compression(at: Compressions, tenant: str, new: NewCompression) -> Job:
    """Makes the job: running, or waiting for the file that was announced.

    Raises ModelNotFound, VersionNotFound, VersionNotReady, InvalidArguments, PayloadTooLarge, CompressionRunning,
    LimitExceeded.
    """
    job_id, version = str(ULID()), _ready(at, tenant, new)
    call = _call(at, tenant, new, job_id)
    waits = call.filename is not None
    job = Job(
        job_id,
        "compression",
        new.model,
        new.version,
        _shown(call) or version.filename,
        "waiting" if waits else "running",
        now(),
        step="upload" if waits else "prepare",
        execution=None if waits else _execution(job_id),
        # One more original, and the examples for as long as the job has them.
        reserved_bytes=version.variant().files.size + (call.size or 0),
        compression=call,
    )
    at.registry.start_compression(tenant, job, at.limits.limits_of(tenant))
    if waits:
        return job
    try:
        _run(at, tenant, job)
    except Exception:
        at.registry.fail(tenant, job, Failure("prepare", "not_started", "it could not be started; try again"))
        raise
    return job


def grant(at: Compressions, tenant: str, job: Job) -> Grant | None:
    """Where the file of a job that waits for one is put; None once it has come, or the job has ended."""
    call = job.compression
    if job.state != "waiting" or call is None or call.filename is None or call.size is None or call.examples is None:
        return None
    url = at.examples.upload_url(tenant, call.examples, call.filename, call.size, URL_SECONDS)
    return Grant(url, {"content-length": str(call.size)})


def start_compression(at: Compressions, arrived: ArrivedObject) -> str | None:
    """Starts the job whose file has come, and returns its id; None for an object that no job waits for.

    `data/<tenant>/<job id>/<file>` as announced. Whatever else lies under `data/` is shown to those who name it.
    """
    _, tenant, folder, filename = [*arrived.key.split("/", 3), "", "", ""][:4]
    try:
        job = at.registry.get_job(tenant, folder) if folder and filename else None
    except JobNotFound:
        return None
    call = job.compression if job else None
    if job is None or call is None or (call.examples, call.filename) != (folder, filename):
        return None
    if job.state == "waiting":
        began = replace(job, state="running", step="prepare", execution=_execution(job.id))
        with suppress(Conflict):  # it was cancelled, or its event came twice, this very moment
            at.registry.begin_compression(tenant, began, was=job)
        job = at.registry.get_job(tenant, job.id)
    if job.state != "running" or job.attempt > 1:
        return None
    _run(at, tenant, job)
    return job.id


def _call(at: Compressions, tenant: str, new: NewCompression, job_id: str) -> CompressionCall:
    """What is asked for, all of it checked. Raises InvalidArguments, PayloadTooLarge."""
    call = CompressionCall(
        new.target, new.objective, _budget(new.budget), check_methods(new.methods), *_examples(tenant, new.data, job_id)
    )
    if call.examples is not None and call.filename is None:
        return replace(call, files=len(listed(at.examples, tenant, call.examples)))
    return call


def _shown(call: CompressionCall) -> str | None:
    """The file that will be read, or the folder."""
    return call.filename or (f"{call.examples}/" if call.examples is not None else None)


def _budget(document: Any) -> dict[str, float] | None:
    return None if document is None else dict([check_budget(document)])


def _examples(tenant: str, data: Data | None, job_id: str) -> tuple[str | None, str | None, int | None]:
    """The folder, and the name and size of a file that will come."""
    if data is None:
        return None, None, None
    if data.prefix is not None and data.size is None and data.filename is None:
        return checked_prefix(tenant, data.prefix), None, None
    if data.prefix is not None or data.size is None or data.filename is None:
        wrong = "wants size and filename of a file that will be sent, or the prefix of a folder that lies there"
        raise InvalidArguments.of_fields({"data": wrong})
    check_upload(data.filename, data.size)
    return job_id, data.filename, data.size


def _ready(at: Compressions, tenant: str, new: NewCompression) -> Version:
    at.registry.get_model(tenant, new.model)
    version = at.registry.get_version(tenant, new.model, new.version)
    if version.state == "stored":
        raise NotServable.stored(new.model, new.version)
    if version.state != "ready":
        told = f"version {new.version} of {new.model!r} is {version.state}; only a ready one is compressed"
        raise VersionNotReady(told, model=new.model, version=new.version, state=version.state)
    if len(version.variants) > MOST_VARIANTS:  # the original is one more
        raise LimitExceeded(
            f"version {new.version} has {MOST_VARIANTS} compressed variants, as many as there may be: remove some with "
            f"DELETE /api/v1/models/{new.model}/versions/{new.version}/variants/<name> first",
            limit=MOST_VARIANTS,
        )
    return version


def _execution(job_id: str) -> str:
    return f"compress-{job_id}"


def _run(at: Compressions, tenant: str, job: Job) -> None:
    at.runner.start(execution_name(job), execution_input(tenant, job))

"""A large model's way: an order is written for the job that compresses, with all that it may reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from aimass.compression.steps.files import (
    candidate_files,
    choose_files,
    compress_files,
    evaluate_files,
    repair_files,
)
from aimass.domain.errors import CompressorMissing, Conflict, NotFound, PayloadTooLarge
from aimass.domain.jobs import Failure, Job
from aimass.domain.ports import ConversionFiles, ModelRegistry, WorkspaceFiles
from aimass.sandbox.compress import MIXED
from aimass.usecases.compression_progress import progress_key, progress_slugs
from aimass.usecases.job_log import JobLog
from aimass.usecases.job_workspace import JobWorkspace
from aimass.usecases.order_conversion import ORDER, JobLimits

FOLDER = "compressions/.orders"  # in the bucket of uploads
#: Longer than the state `compress_large` waits: a queue, and two attempts.
URL_SECONDS = 6 * 3600
_MOST_FAILURE = 1 << 20  # bytes
_LONGEST_MESSAGE = 2000


@dataclass(frozen=True)
class LargeCompressions:
    """What orders are made of. `here`: whether jobs that compress run here."""

    registry: ModelRegistry
    workspaces: WorkspaceFiles
    files: ConversionFiles
    here: bool
    limits: JobLimits


@dataclass(frozen=True)
class _Told:
    code: str
    message: str


@dataclass(frozen=True)
class OrderedCompression:
    order_url: str


def order_compression(
    at: LargeCompressions, tenant: str, job_id: str, attempt: int, workspace: str, names: Sequence[str]
) -> OrderedCompression:
    """Writes the order of an attempt, of candidates of these names; a second call writes it anew.

    Raises CompressorMissing, and Conflict when the attempt isn't running.
    """
    if not at.here:
        raise CompressorMissing(
            "the model is too large for a function to compress it, and jobs are off: "
            "who runs this service deploys it with the setting `cpu_jobs` on, then retry the job"
        )
    job = at.registry.get_job(tenant, job_id)
    if (job.state, job.attempt) != ("running", attempt):
        raise Conflict(f"attempt {attempt} of job {job_id} is not running", job_id=job_id)
    body = msgspec.json.encode(_order(at, tenant, job, workspace, names))
    url = at.files.put_order(f"{FOLDER}/{tenant}/{job.id}/{job.attempt}/{ORDER}", body, URL_SECONDS)
    log = JobLog(at.registry, tenant, job_id, job.attempt, "compress")
    log.write(f"the model is large: a job of its own makes and compares the {len(names)} candidates")
    log.write("waiting for a place: the job is in the queue, in which tenants take turns")
    return OrderedCompression(url)


def _order(at: LargeCompressions, tenant: str, job: Job, workspace: str, names: Sequence[str]) -> dict[str, Any]:
    place = JobWorkspace(at.workspaces, workspace, job.id)
    there = place.names()
    known = [*names, *(f"{name}{MIXED}" for name in names)]
    left = [*(file for name in known for file in candidate_files(name)), *choose_files(names, ()).leaves]
    read = [name for name in _read(names) if name in there and name not in left]
    return {
        "attempt": f"{job.id}/{job.attempt}",
        "names": list(names),
        "files": {name: place.get_url(name, URL_SECONDS) for name in read},
        # Whether they lie there is asked again by the job: an attempt of its own may have put them.
        "kept": {name: place.get_url(name, URL_SECONDS) for name in left},
        "outputs": {name: place.put_url(name, URL_SECONDS) for name in left},
        "progress": {
            slug: at.files.put_url(progress_key(tenant, job, slug), URL_SECONDS) for slug in progress_slugs(known)
        },
        "limits": asdict(at.limits),
        "failed_url": at.files.put_url(_failed_key(tenant, job.id, job.attempt), URL_SECONDS),
    }


def _read(names: Sequence[str]) -> tuple[str, ...]:
    """What the steps read, each once."""
    steps = [step(name) for name in names for step in (compress_files, evaluate_files, repair_files)]
    return tuple(dict.fromkeys(file for step in (*steps, choose_files(names, ())) for file in step.reads))


def left_failure(files: ConversionFiles, tenant: str, job: Job) -> Failure | None:
    """Why the job of this attempt gave up, if it could say so."""
    try:
        told = msgspec.json.decode(files.read(_failed_key(tenant, job.id, job.attempt), _MOST_FAILURE), type=_Told)
    except (NotFound, PayloadTooLarge, msgspec.DecodeError):
        return None
    return Failure(job.step, told.code, told.message[:_LONGEST_MESSAGE])


def _failed_key(tenant: str, job_id: str, attempt: int) -> str:
    return f"{FOLDER}/{tenant}/{job_id}/{attempt}/failed.json"

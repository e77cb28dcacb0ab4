"""Cancelling a job that has not ended."""

from __future__ import annotations

from contextlib import suppress

from aimass.domain.errors import Conflict, JobNotCancellable, UploadNotFound
from aimass.domain.jobs import Failure, Job
from aimass.domain.ports import ImportRunner, ModelRegistry, UploadStore
from aimass.usecases.start_import import execution_name

_TRIES = 3


def cancel_job(registry: ModelRegistry, uploads: UploadStore, runner: ImportRunner, tenant: str, job_id: str) -> Job:
    """Ends a waiting or running job; saying it twice is fine. Raises JobNotCancellable for one that has ended."""
    for _ in range(_TRIES):
        job = registry.get_job(tenant, job_id)
        if job.state == "cancelled":
            _clean_up(uploads, runner, job)  # the first call may have got no further
            break
        if job.finished_at:
            raise JobNotCancellable(f"job {job_id} has {job.state} already", state=job.state)
        with suppress(Conflict):  # it moved on meanwhile: look again
            registry.fail(tenant, job, Failure(job.step, "cancelled", "the job was cancelled"), state="cancelled")
            _clean_up(uploads, runner, job)
            break
    else:
        raise Conflict(f"job {job_id} keeps changing; try again", job_id=job_id)
    return registry.get_job(tenant, job_id)


def _clean_up(uploads: UploadStore, runner: ImportRunner, job: Job) -> None:
    if job.upload and not job.source:
        with suppress(UploadNotFound):
            uploads.abort_multipart(job.upload.key, job.upload.storage_id)
    if job.execution:
        runner.stop(execution_name(job))

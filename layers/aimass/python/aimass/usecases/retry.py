"""Running a job again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aimass.domain.errors import JobNotRetryable
from aimass.domain.model import Job
from aimass.usecases.reverify import verification_input
from aimass.usecases.start_import import Imports, execution_input, execution_name


def retry_job(at: Imports, tenant: str, job_id: str) -> Job:
    """Runs an import or a verification that failed or was cancelled again, over the same bytes.

    Of one that is running it only makes sure that it was started; one whose execution ended without a word
    runs again. Raises JobNotRetryable, LimitExceeded.
    """
    job = at.registry.get_job(tenant, job_id)
    document = _input(at, tenant, job)
    if job.finished_at or at.runner.has_ended(execution_name(job)):
        again = replace(job, state="running", attempt=job.attempt + 1, finished_at=None, error=None)
        at.registry.requeue(tenant, again, was=job, limits=at.limits.limits_of(tenant))
        at.registry.log(tenant, job.id, again.attempt, job.step, f"attempt {again.attempt}")
        job = again
    at.runner.start(execution_name(job), document | execution_input(tenant, job))
    return job


def _input(at: Imports, tenant: str, job: Job) -> dict[str, Any]:
    """What the execution needs besides the job's names. Raises JobNotRetryable for what cannot run again."""
    if job.state not in {"failed", "cancelled", "running"}:
        raise JobNotRetryable(f"job {job.id} is {job.state}; one that failed can be retried", state=job.state)
    if job.execution is None:
        raise JobNotRetryable(f"job {job.id} never had its file: upload it again", state=job.state)
    at.registry.get_model(tenant, job.model)
    version = at.registry.get_version(tenant, job.model, job.version)
    if version.state == "deleted":
        raise JobNotRetryable(f"version {job.version} of {job.model!r} is deleted: restore it first", state=job.state)
    return verification_input(version) if job.kind == "verification" else {}

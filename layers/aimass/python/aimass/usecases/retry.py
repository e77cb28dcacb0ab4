"""Running a job again."""

from __future__ import annotations

from dataclasses import replace

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
    if job.state not in {"failed", "cancelled", "running"} or job.execution is None:
        raise JobNotRetryable(f"job {job_id} is {job.state}; one that failed can be retried", state=job.state)
    if job.finished_at or at.runner.has_ended(execution_name(job)):
        again = replace(job, state="running", attempt=job.attempt + 1, finished_at=None, error=None)
        at.registry.requeue(tenant, again, was=job, limits=at.limits.limits_of(tenant))
        at.registry.log(tenant, job.id, again.attempt, job.step, f"attempt {again.attempt}")
        job = again
    document = execution_input(tenant, job)
    if job.kind == "verification":
        document |= verification_input(at.registry.get_version(tenant, job.model, job.version))
    at.runner.start(execution_name(job), document)
    return job

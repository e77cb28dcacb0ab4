"""However an import, a verification or a compression fails, this writes it down."""

from __future__ import annotations

from aimass.domain.jobs import Failure
from aimass.domain.ports import ModelRegistry
from aimass.usecases.job_log import JobLog


def fail_job(registry: ModelRegistry, tenant: str, job_id: str, attempt: int, failure: Failure) -> None:
    """Leaves the job's attempt in a named failed state, and the version that it imports; one that ended stays as it is.

    A version that was to be verified again, or compressed, stays ready.
    """
    job = registry.get_job(tenant, job_id)
    if job.state == "running" and job.attempt == attempt:
        registry.fail(tenant, job, failure)
        JobLog(registry, tenant, job_id, attempt, failure.step).write(f"failed: {failure.message} ({failure.code})")

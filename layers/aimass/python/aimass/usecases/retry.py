"""Running a job again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aimass.domain.errors import InvalidArguments, JobNotRetryable
from aimass.domain.jobs import Job, StepTime
from aimass.usecases.reverify import verification_input
from aimass.usecases.start_import import Imports, execution_input, execution_name


def retry_job(at: Imports, tenant: str, job_id: str, *, accept_drift: bool = False) -> Job:
    """Runs an import, a verification or a compression that failed or was cancelled again, over the same bytes.

    With `accept_drift` a conversion that answers otherwise than the original is taken from now on. Of a job that is
    running it only makes sure that it was started, so a call that broke off can be repeated; one whose execution ended
    without a word runs again. Raises JobNotRetryable, InvalidArguments, LimitExceeded; of a compression
    CompressionRunning, VersionNotReady.
    """
    job = at.registry.get_job(tenant, job_id)
    check_accepts(job, accept_drift=accept_drift)
    document = _input(at, tenant, job)
    if job.finished_at or at.runner.has_ended(execution_name(job)):
        again = replace(
            job,
            state="running",
            attempt=job.attempt + 1,
            finished_at=None,
            error=None,
            steps=_ended_steps(job),
            candidates={},
        )
        limits = at.limits.limits_of(tenant)
        at.registry.requeue(tenant, again, was=job, limits=limits, accept_drift=accept_drift)
        told = f"attempt {again.attempt}{', in which drift is accepted' if accept_drift else ''}"
        at.registry.log(tenant, job.id, again.attempt, job.step, told)
        job = again
    elif accept_drift and not at.registry.get_version(tenant, job.model, job.version).accept_drift:
        raise JobNotRetryable(f"job {job.id} is running; accept_drift can be said once it has ended", state=job.state)
    at.runner.start(execution_name(job), document | execution_input(tenant, job))
    return job


def _ended_steps(job: Job) -> tuple[StepTime, ...]:
    """The steps so far, with what the attempt came to in its last one."""
    last = (job.attempt, job.step)
    ended = job.state if job.finished_at else None
    return tuple(replace(one, ended=ended) if (one.attempt, one.step) == last else one for one in job.steps)


def check_accepts(job: Job, *, accept_drift: bool) -> None:
    """Raises InvalidArguments for a job that converts nothing."""
    if accept_drift and job.kind != "import":
        raise InvalidArguments.of_fields({"accept_drift": f"is of imports; job {job.id} is a {job.kind}"})


def _input(at: Imports, tenant: str, job: Job) -> dict[str, Any]:
    """What the execution needs besides the job's names. Raises JobNotRetryable for what cannot run again."""
    if job.state not in {"failed", "cancelled", "running"}:
        raise JobNotRetryable(f"job {job.id} is {job.state}; one that failed can be retried", state=job.state)
    if job.execution is None:
        instead = "ask for the compression" if job.kind == "compression" else "upload it"
        raise JobNotRetryable(f"job {job.id} never had its file: {instead} again", state=job.state)
    at.registry.get_model(tenant, job.model)
    version = at.registry.get_version(tenant, job.model, job.version)
    if version.state == "deleted":
        raise JobNotRetryable(f"version {job.version} of {job.model!r} is deleted: restore it first", state=job.state)
    return verification_input(version) if job.kind == "verification" else {}

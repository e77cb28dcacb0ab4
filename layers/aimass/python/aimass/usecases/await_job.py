"""Waiting for a job, within what one HTTP call may last."""

from __future__ import annotations

import time

from aimass.domain.jobs import Job
from aimass.domain.ports import ModelRegistry

MAX_WAIT_SECONDS = 25
_POLL_SECONDS = 0.15


def await_job(registry: ModelRegistry, tenant: str, job_id: str, seconds: float) -> Job:
    """The job once it has ended, or as it is after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        job = registry.get_job(tenant, job_id)
        if job.finished_at or time.monotonic() >= deadline:
            return job
        time.sleep(_POLL_SECONDS)

"""The transactions of prediction jobs. Each is conditional on the job being as it was read."""

from __future__ import annotations

from dataclasses import replace

from aimass.adapters.aws.registry.compressions import Compressions
from aimass.adapters.aws.registry.jobs import UNMOVED
from aimass.adapters.aws.transactions import Write, transact
from aimass.domain.clock import now
from aimass.domain.errors import Conflict, JobExists
from aimass.domain.jobs import Failure, Job
from aimass.domain.model import Due
from aimass.domain.tenants import Limits


class Predictions(Compressions):
    """The part of `ModelRegistry` that is about prediction jobs."""

    def reserve_prediction(self, tenant: str, job: Job, limits: Limits) -> None:
        """Keeps a waiting job, and reserves it. Raises LimitExceeded."""
        exists = JobExists(f"job {job.id} exists", job_id=job.id)
        new = self._put(tenant, f"JOB#{job.id}", job, new=True).otherwise(exists)
        transact(self._client, new, self._reserving(tenant, limits, jobs=1), self._given_up(tenant, job))

    def start_prediction(self, tenant: str, job: Job, *, was: Job) -> None:
        """Replaces a job by its running attempt, or by one that waits longer. Raises Conflict when it moved."""
        transact(self._client, self._moved(tenant, job, was), self._given_up(tenant, job))

    def repeat_prediction(self, tenant: str, job: Job, *, was: Job, limits: Limits) -> None:
        """Replaces a job that has ended by a waiting one, and reserves it. Raises Conflict, LimitExceeded."""
        moved, reserving = self._moved(tenant, job, was), self._reserving(tenant, limits, jobs=1)
        transact(self._client, moved, reserving, self._given_up(tenant, job))

    def end_prediction(self, tenant: str, job: Job, *, was: Job) -> None:
        """Replaces a job by one that has ended, and gives back what it reserved. Raises Conflict when it moved."""
        transact(self._client, self._moved(tenant, job, was), self._using(tenant, jobs=-1))

    def fail(self, tenant: str, job: Job, failure: Failure, *, state: str = "failed") -> None:
        """Ends a job of any kind in a named failed state. Raises Conflict when it moved since it was read."""
        if job.kind != "prediction":
            super().fail(tenant, job, failure, state=state)
            return
        ended = replace(job, state="cancelled" if state == "cancelled" else "failed", error=failure, finished_at=now())
        self.end_prediction(tenant, ended, was=job)

    def _moved(self, tenant: str, job: Job, was: Job) -> Write:
        moved = Conflict(f"job {job.id} changed meanwhile; read it and try again", job_id=job.id)
        unmoved = {":was": was.state, ":attempt": was.attempt}
        return self._put(tenant, f"JOB#{job.id}", job, UNMOVED, unmoved).otherwise(moved)

    def _given_up(self, tenant: str, job: Job) -> Write:
        assert job.call is not None
        return self._due(Due(job.call.given_up_at, "prediction", tenant, f"JOB#{job.id}"))

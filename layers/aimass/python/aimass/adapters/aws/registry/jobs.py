"""Jobs and their logs."""

from __future__ import annotations

import time
from dataclasses import replace

from aimass.adapters.aws.items import value_of
from aimass.adapters.aws.registry.limits import UsageTable
from aimass.adapters.aws.registry.table import Filter
from aimass.adapters.aws.transactions import transact
from aimass.domain.clock import now
from aimass.domain.errors import Conflict, JobExists, JobNotFound
from aimass.domain.jobs import Job, LogLine, StepTime
from aimass.domain.ports import Page, PageRequest
from aimass.domain.tenants import Limits

UNMOVED = "#state = :was AND attempt = :attempt"
LOG_DAYS = 90


class Jobs(UsageTable):
    """The part of `ModelRegistry` that is about jobs."""

    def get_job(self, tenant: str, job_id: str) -> Job:
        """Raises JobNotFound."""
        item = self._get(tenant, f"JOB#{job_id}")
        if not item:
            raise JobNotFound(f"no job {job_id!r}", job_id=job_id)
        return value_of(item, Job)

    def list_jobs(self, tenant: str, page: PageRequest, *, state: str | None, model: str | None) -> Page[Job]:
        """Newest first, those of a state and of a model where given."""
        asked = {name: value for name, value in (("state", state), ("model", model)) if value}
        only = Filter(
            " AND ".join(f"#{name} = :{name}" for name in asked),
            {f":{name}": value for name, value in asked.items()},
            {f"#{name}": name for name in asked},
        )
        return self._page(tenant, "JOB#", Job, page, newest_first=True, only=only if asked else None)

    def record_job(self, tenant: str, job: Job) -> None:
        """Keeps a job without a version, refused before a number could be reserved. A second call changes nothing."""
        try:
            transact(self._client, self._put(tenant, f"JOB#{job.id}", job, new=True).otherwise(JobExists("exists")))
        except JobExists:
            return

    def start_job(self, tenant: str, job: Job, limits: Limits) -> None:
        """Keeps a running job of a version that exists. Raises LimitExceeded."""
        transact(
            self._client,
            self._put(tenant, f"JOB#{job.id}", job, new=True).otherwise(JobExists(f"job {job.id} exists")),
            self._reserving(tenant, limits, jobs=1),
        )

    def enter_step(self, tenant: str, job_id: str, attempt: int, step: str) -> None:
        """Notes that a job's running attempt is at this step. Raises Conflict when it isn't running."""
        transact(
            self._client,
            self._update(
                tenant,
                f"JOB#{job_id}",
                "SET step = :step, steps = list_append(steps, :entered)",
                UNMOVED,
                {":step": step, ":entered": [StepTime(step, now(), attempt)], ":was": "running", ":attempt": attempt},
            ).otherwise(Conflict(f"attempt {attempt} of job {job_id} is not running", job_id=job_id)),
        )

    def log(
        self, tenant: str, job_id: str, attempt: int, step: str, message: str, *, at: str | None = None, place: int = 0
    ) -> None:
        """Adds a line to the job's log; the table drops it after 90 days.

        A line of an earlier moment `at` (as `now` writes it), in its `place` among those of that moment, may come late
        and more than once: it is one line, where it belongs.
        """
        line, nanoseconds = LogLine(at or now(), attempt, step, message), time.time_ns()
        # Two lines of one millisecond both stay, in their order.
        order = f"{place:019d}" if at else f"{nanoseconds}"
        write = self._put(tenant, f"LOG#{job_id}#{line.at}#{order}", line)
        ttl = {"N": str(nanoseconds // 10**9 + LOG_DAYS * 86_400)}
        transact(self._client, replace(write, body={"Item": write.body["Item"] | {"ttl": ttl}}))

    def read_log(self, tenant: str, job_id: str, page: PageRequest) -> Page[LogLine]:
        """Oldest first."""
        return self._page(tenant, f"LOG#{job_id}#", LogLine, page)

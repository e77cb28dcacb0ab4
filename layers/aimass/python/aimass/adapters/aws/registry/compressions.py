"""The transactions of compressions: a job and the version that it compresses, of which one job at a time may."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aimass.adapters.aws.registry.imports import UPLOAD_HOURS, Imports
from aimass.adapters.aws.registry.jobs import UNMOVED
from aimass.adapters.aws.registry.table import version_key
from aimass.adapters.aws.transactions import Write, transact
from aimass.domain.clock import later
from aimass.domain.compression import Candidate
from aimass.domain.errors import Conflict, JobExists
from aimass.domain.jobs import Job
from aimass.domain.model import Due, Version
from aimass.domain.tenants import Limits


class Compressions(Imports):
    """The part of `ModelRegistry` that is about compressions, and the variants that they make."""

    def start_compression(self, tenant: str, job: Job, limits: Limits) -> None:
        """Keeps a waiting or a running job, reserves what it may take, and has its version held by it.

        One that waits for its file is ended when that has not come within a day. Raises LimitExceeded,
        CompressionRunning, VersionNotReady, JobExists; Conflict when the version moved meanwhile.
        """
        exists = JobExists(f"job {job.id} exists", job_id=job.id)
        due = Due(later(job.created_at, hours=UPLOAD_HOURS), "upload", tenant, f"JOB#{job.id}")
        transact(
            self._client,
            self._put(tenant, f"JOB#{job.id}", job, new=True).otherwise(exists),
            self._hold_by(tenant, job),
            self._reserving(tenant, limits, bytes=job.reserved_bytes, jobs=1),
            *([self._due(due)] if job.state == "waiting" else []),
        )

    def begin_compression(self, tenant: str, job: Job, *, was: Job) -> None:
        """Replaces a waiting job, whose file has come, by the running one. Raises Conflict when it moved."""
        unmoved = {":was": was.state, ":attempt": was.attempt}
        write = self._put(tenant, f"JOB#{job.id}", job, UNMOVED, unmoved)
        transact(self._client, write.otherwise(_moved(job.id)))

    def plan_candidates(self, tenant: str, job_id: str, attempt: int, names: Sequence[str]) -> None:
        """Has the running job tell of these candidates alone, all of them waiting. Raises Conflict."""
        waiting = {name: Candidate("waiting") for name in names}
        transact(self._client, self._running(tenant, job_id, attempt, "SET candidates = :told", waiting))

    def note_candidate(self, tenant: str, job_id: str, attempt: int, name: str, candidate: Candidate) -> None:
        """Has the running job tell how far it is with a candidate, one that was not planned too. Raises Conflict."""
        names = {"#name": name}
        told = self._running(tenant, job_id, attempt, "SET candidates.#name = :told", candidate, names)
        transact(self._client, told)

    def register_compression(self, tenant: str, before: Version, after: Version, job: Job, limits: Limits) -> None:
        """Replaces variants and compressions of a ready version, and ends the job with its candidates.

        Whoever serves the version sees that soon. Raises LimitExceeded where the variants need more bytes than the job
        reserved and the tenant has left; Conflict.
        """
        values = {":compressions": after.compressions, ":job": job.id}
        transact(
            self._client,
            self._with_variants(
                tenant,
                before,
                after,
                ", compressions = :compressions REMOVE compressing",
                "compressing = :job",
                values,
            ),
            self._end_job(tenant, job, "succeeded", None, candidates=job.candidates),
            self._reserving(
                tenant, limits, bytes=after.stored_bytes - before.stored_bytes - job.reserved_bytes, jobs=-1
            ),
            self._next_epoch(tenant, before.model),
        )

    def remove_variant(self, tenant: str, before: Version, after: Version) -> None:
        """Leaves a ready version with fewer variants; none of those that go may be what it answers with.

        Raises Conflict when its variants, or what it answers with, changed meanwhile.
        """
        kept = {one.name for one in after.variants}
        gone = {f":gone{at}": name for at, name in enumerate(_names(before)) if name not in kept}
        serving = " AND ".join(f"serving_variant <> {name}" for name in gone)
        transact(
            self._client,
            self._with_variants(
                tenant, before, after, "", f"(attribute_not_exists(serving_variant) OR {serving})", gone
            ),
            self._using(tenant, bytes=after.stored_bytes - before.stored_bytes),
            self._next_epoch(tenant, before.model),
        )

    def _with_variants(
        self, tenant: str, before: Version, after: Version, also: str, condition: str, values: dict[str, Any]
    ) -> Write:
        """Variants, and what lists show of them."""
        return self._update(
            tenant,
            version_key(before.model, before.number),
            f"SET variants = :variants, variant_names = :names{also}",
            f"#state = :ready AND variants = :before AND {condition}",
            {
                ":variants": after.variants,
                ":names": _names(after),
                ":ready": "ready",
                ":before": self._variants_as_stored(tenant, before),
                **values,
            },
        ).otherwise(_changed(before))

    def _running(
        self, tenant: str, job_id: str, attempt: int, expression: str, told: Any, names: dict[str, str] | None = None
    ) -> Write:
        values = {":told": told, ":was": "running", ":attempt": attempt}
        not_running = Conflict(f"attempt {attempt} of job {job_id} is not running", job_id=job_id)
        return self._update(tenant, f"JOB#{job_id}", expression, UNMOVED, values, names).otherwise(not_running)


def _names(version: Version) -> list[str]:
    return [one.name for one in version.variants]


def _moved(job_id: str) -> Conflict:
    return Conflict(f"job {job_id} changed meanwhile; read it and try again", job_id=job_id)


def _changed(version: Version) -> Conflict:
    return Conflict(
        f"version {version.number} of {version.model!r} changed meanwhile; read it and try again",
        version=version.number,
    )

"""The transactions that carry a version and its job from reservation to ready or failed."""

from __future__ import annotations

from typing import Any

from aimass.adapters.aws.registry.held_versions import HeldVersions
from aimass.adapters.aws.registry.jobs import UNMOVED, Jobs
from aimass.adapters.aws.registry.table import version_key
from aimass.adapters.aws.transactions import Write, transact
from aimass.domain.clock import later, now
from aimass.domain.compression import Candidate
from aimass.domain.errors import (
    Conflict,
    JobExists,
    ModelDeleted,
    ModelNotFound,
    VersionTaken,
)
from aimass.domain.jobs import Failure, Job
from aimass.domain.model import PURGED, Due, Model, Version
from aimass.domain.tenants import Limits

# The store drops the parts of an upload after a day.
UPLOAD_HOURS = 25


class Imports(HeldVersions, Jobs):
    """The part of `ModelRegistry` that moves versions and jobs together."""

    def reserve(self, tenant: str, version: Version, job: Job, limits: Limits) -> None:
        """Makes the version and its job, and reserves what they may take.

        Raises VersionTaken, JobExists, ModelDeleted, LimitExceeded; Conflict when another upload came first.
        """
        model = self._model_or_none(tenant, version.model)
        taken = VersionTaken(
            f"version {version.number} of {version.model!r} is taken; leave `version` out for the next one",
            model=version.model,
            version=version.number,
        )
        exists = JobExists(f"job {job.id} exists", job_id=job.id)
        asked = {"bytes": job.reserved_bytes, "jobs": 1} | ({} if model else {"models": 1})
        expires = later(job.created_at, hours=UPLOAD_HOURS)
        transact(
            self._client,
            self._put_version(tenant, version, "attribute_not_exists(SK)", {}).otherwise(taken),
            self._put(tenant, f"JOB#{job.id}", job, new=True).otherwise(exists),
            self._number(tenant, version, new=model is None),
            self._reserving(tenant, limits, **asked),
            self._due(Due(expires, "upload", tenant, f"JOB#{job.id}")),
        )

    def requeue(
        self, tenant: str, job: Job, *, was: Job, limits: Limits | None = None, accept_drift: bool = False
    ) -> None:
        """Replaces a job that has not moved since `was` was read, its version importing again. Raises Conflict.

        With `accept_drift` the version has it from now on. A compression has its version held by it again. Raises
        CompressionRunning, VersionNotReady.

        One that had ended needs `limits`: it takes again what it may use. Raises LimitExceeded.
        """
        moved = Conflict(f"job {job.id} changed meanwhile; read it and try again", job_id=job.id)
        unmoved = {":was": was.state, ":attempt": was.attempt}
        writes = [self._put(tenant, f"JOB#{job.id}", job, UNMOVED, unmoved).otherwise(moved)]
        if job.kind == "import":
            writes.append(self._importing_again(tenant, job, accept_drift=accept_drift).otherwise(moved))
        if job.kind == "compression":
            writes.append(self._hold_by(tenant, job))
        if was.finished_at:
            assert limits is not None
            writes.append(self._reserving(tenant, limits, bytes=job.reserved_bytes, jobs=1))
        transact(self._client, *writes)

    def register(self, tenant: str, version: Version, job: Job) -> None:
        """Makes the version ready and its job succeeded, at once. Raises Conflict when the job moved meanwhile."""
        transact(
            self._client,
            self._put_version(
                tenant,
                version,
                "#state = :importing AND job_id = :job",
                {":importing": "importing", ":job": job.id},
            ).otherwise(Conflict(f"version {version.number} is no longer importing", job_id=job.id)),
            self._end_job(tenant, job, "succeeded", None),
            self._using(tenant, bytes=version.stored_bytes - job.reserved_bytes, jobs=-1),
        )

    def register_verification(self, tenant: str, before: Version, after: Version, job: Job) -> None:
        """Replaces what was measured of a ready version, and ends the job. Raises Conflict."""
        values = {
            ":variants": after.variants,
            ":at": after.verified_at,
            ":nothing": None,
            ":ready": "ready",
            ":before": self._variants_as_stored(tenant, before),
        }
        transact(
            self._client,
            self._update(
                tenant,
                version_key(before.model, before.number),
                "SET variants = :variants, verified_at = :at, verification_failure = :nothing",
                "#state = :ready AND variants = :before",
                values,
            ).otherwise(Conflict(f"version {before.number} changed meanwhile", job_id=job.id)),
            self._end_job(tenant, job, "succeeded", None),
            self._using(tenant, bytes=after.stored_bytes - before.stored_bytes - job.reserved_bytes, jobs=-1),
        )

    def fail(self, tenant: str, job: Job, failure: Failure, *, state: str = "failed") -> None:
        """Leaves version and job in a named failed state. Raises Conflict when the job moved since it was read.

        A version that was to be verified again, or compressed, stays ready.
        """
        transact(
            self._client,
            *self._told_version(tenant, job, failure),
            self._end_job(tenant, job, state, failure),
            self._using(tenant, bytes=-job.reserved_bytes, jobs=-1),
        )

    def _model_or_none(self, tenant: str, name: str) -> Model | None:
        try:
            model = self.find_model(tenant, name)
        except ModelNotFound:
            return None
        if model.deleted and model.deleted.purge_at <= now():
            raise ModelDeleted(f"model {name!r} is being purged; its name is free again within the hour", model=name)
        if model.deleted:
            raise ModelDeleted(
                f"model {name!r} is deleted: restore it with POST /api/v1/models/{name}/restore, or purge it",
                model=name,
            )
        return model

    def _number(self, tenant: str, version: Version, *, new: bool) -> Write:
        """Raises the model's last number. A `new` one is made, or begins anew after it was purged."""
        highest = max(version.number, self.next_number(tenant, version.model) - 1)
        values = {":highest": highest, ":name": version.model, ":now": version.created_at, ":nothing": None}
        if new:
            known, values = "attribute_not_exists(SK) OR deleted.was = :purged", values | {":purged": PURGED}
        else:
            known, values = (
                "attribute_not_exists(deleted) OR attribute_type(deleted, :null)",
                values | {":null": "NULL"},
            )
        return self._update(
            tenant,
            f"MODEL#{version.model}",
            "SET last_version = :highest, #name = :name, deleted = :nothing, "
            "created_at = if_not_exists(created_at, :now)",
            f"(attribute_not_exists(last_version) OR last_version <= :highest) AND ({known})",
            values,
            names={"#name": "name"},
        ).otherwise(Conflict(f"another upload of {version.model!r} came first; try again", model=version.model))

    def _importing_again(self, tenant: str, job: Job, *, accept_drift: bool) -> Write:
        values = {":importing": "importing", ":job": job.id, ":failed": "failed"}
        return self._update(
            tenant,
            version_key(job.model, job.version),
            f"SET #state = :importing{', accept_drift = :accepted' if accept_drift else ''} REMOVE failure",
            "job_id = :job AND #state IN (:importing, :failed)",
            values | ({":accepted": True} if accept_drift else {}),
        )

    def _told_version(self, tenant: str, job: Job, failure: Failure) -> list[Write]:
        if job.kind == "import":
            return [self._failed_import(tenant, job, failure)]
        if job.kind == "verification":
            return [self._failed_verification(tenant, job, failure)]
        return self._free(tenant, job)

    def _failed_import(self, tenant: str, job: Job, failure: Failure) -> Write:
        return self._update(
            tenant,
            version_key(job.model, job.version),
            "SET #state = :failed, failure = :failure",
            "job_id = :job AND #state = :importing",
            {":failed": "failed", ":failure": failure, ":job": job.id, ":importing": "importing"},
        ).otherwise(Conflict(f"version {job.version} is no longer importing", job_id=job.id))

    def _failed_verification(self, tenant: str, job: Job, failure: Failure) -> Write:
        key, condition = version_key(job.model, job.version), "attribute_exists(SK)"
        return self._update(tenant, key, "SET verification_failure = :failure", condition, {":failure": failure})

    def _end_job(
        self,
        tenant: str,
        job: Job,
        state: str,
        failure: Failure | None,
        *,
        candidates: dict[str, Candidate] | None = None,
    ) -> Write:
        """`candidates` are a compression's, as it leaves them."""
        values: dict[str, Any] = {
            ":state": state,
            ":now": now(),
            ":error": failure,
            ":was": job.state,
            ":attempt": job.attempt,
        }
        also = ""
        if candidates is not None:
            also, values[":candidates"] = ", candidates = :candidates", candidates
        return self._update(
            tenant,
            f"JOB#{job.id}",
            f"SET #state = :state, finished_at = :now, #error = :error{also}",
            UNMOVED,
            values,
            names={"#error": "error"},
        ).otherwise(Conflict(f"job {job.id} changed meanwhile", job_id=job.id))

"""A version and the job that compresses it: one at a time, from its start to its end."""

from __future__ import annotations

from aimass.adapters.aws.items import value_of
from aimass.adapters.aws.registry.table import version_key
from aimass.adapters.aws.registry.versions import Versions
from aimass.adapters.aws.transactions import Write
from aimass.domain.errors import CompressionRunning, Conflict, VersionNotReady
from aimass.domain.jobs import Job
from aimass.domain.model import Version


class HeldVersions(Versions):
    """The writes that give a version to a job, and take it back, within the transactions that start and end the job."""

    def _hold_by(self, tenant: str, job: Job) -> Write:
        """Has the job's version held by it. Raises CompressionRunning, VersionNotReady; the write, when it raced."""
        version = self.get_version(tenant, job.model, job.version)
        if version.state != "ready":
            told = f"version {job.version} of {job.model!r} is {version.state}; only a ready one is compressed"
            raise VersionNotReady(told, model=job.model, version=job.version, state=version.state)
        if version.compressing not in {None, job.id}:
            raise CompressionRunning.by(str(version.compressing), version.model, version.number)
        return self._update(
            tenant,
            version_key(job.model, job.version),
            "SET compressing = :job",
            "#state = :ready AND (attribute_not_exists(compressing) OR attribute_type(compressing, :null)"
            " OR compressing = :job)",
            {":job": job.id, ":ready": "ready", ":null": "NULL"},
        ).otherwise(Conflict(f"version {job.version} of {job.model!r} changed meanwhile; read it and try again"))

    def _free(self, tenant: str, job: Job) -> list[Write]:
        """The write that has the job's version compressed by it no longer; none where it isn't, as once purged."""
        item = self._get(tenant, version_key(job.model, job.version))
        if item is None or value_of(item, Version).compressing != job.id:
            return []
        key, held = version_key(job.model, job.version), "compressing = :job"
        changed = Conflict(f"version {job.version} of {job.model!r} changed meanwhile", job_id=job.id)
        return [self._update(tenant, key, "REMOVE compressing", held, {":job": job.id}).otherwise(changed)]

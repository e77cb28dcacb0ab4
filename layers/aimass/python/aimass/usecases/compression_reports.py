"""What compressions came to, and the reports that they left."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from aimass.domain.compression import Compression
from aimass.domain.errors import AnswerExpired, JobNotEnded, NoAnswer, NotFound
from aimass.domain.files import StoredFile
from aimass.domain.jobs import Job
from aimass.domain.ports import ArtifactReader, ModelRegistry


def compressed(registry: ModelRegistry, tenant: str, job: Job) -> Compression | None:
    """What a job came to; None while it runs, where it failed, and once its version is purged or has 20 newer ones."""
    if job.kind != "compression" or job.state != "succeeded":
        return None
    with suppress(NotFound):
        found = registry.get_version(tenant, job.model, job.version).compressions
        return next((one for one in found if one.job_id == job.id), None)
    return None


def ended_compression(registry: ModelRegistry, tenant: str, job: Job) -> Compression:
    """What a job came to. Raises NoAnswer, JobNotEnded, AnswerExpired."""
    if job.kind != "compression":
        raise NoAnswer(f"job {job.id} is of kind {job.kind}: only a compression has a report", kind=job.kind)
    if not job.finished_at:
        raise JobNotEnded(f"job {job.id} is {job.state}: its report is not there yet", state=job.state)
    if job.state != "succeeded":
        why = f": {job.error.message}" if job.error else ""
        raise NoAnswer(f"job {job.id} {job.state} without a report{why}", state=job.state)
    found = compressed(registry, tenant, job)
    if found is None:
        gone = f"what job {job.id} came to is kept no longer: its version has newer compressions, or is gone"
        raise AnswerExpired(gone, job_id=job.id)
    return found


def read_report(artifacts: ArtifactReader, tenant: str, file: StoredFile) -> bytes:
    """The bytes of a report, which are a few MB at most."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "report"
        artifacts.fetch(tenant, file, path)
        return path.read_bytes()

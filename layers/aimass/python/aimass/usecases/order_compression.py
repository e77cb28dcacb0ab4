"""A large model's way: an order is written for the job that compresses, with all that it may reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from aimass.domain.errors import CompressorMissing, Conflict
from aimass.domain.model import Job
from aimass.domain.ports import ConversionFiles, ModelRegistry, WorkspaceFiles
from aimass.sandbox.compress import MIXED
from aimass.usecases.compression_progress import progress_key, progress_slugs
from aimass.usecases.job_log import JobLog
from aimass.usecases.order_conversion import ORDER, JobLimits

FOLDER = "compressions/.orders"  # in the bucket of uploads
#: Longer than the state `compress_large` waits: a queue, and two attempts.
URL_SECONDS = 6 * 3600
#: What the job reads, and never leaves.
_READ = ("model.onnx", "model.onnx.data", "asked.json", "prepared.json", "planned.json")
_ROWS = ("calibration.npz", "choosing.npz", "held_out.npz")
#: What it may leave of a candidate, JSON after the model that it tells of.
_LEFT = ("model.onnx", "model.onnx.data", "compressed.json", "evaluated.json", "repaired.json")
_CHOSEN = "chosen.json"


@dataclass(frozen=True)
class LargeCompressions:
    """What orders are made of. `here`: whether jobs that compress run here."""

    registry: ModelRegistry
    workspaces: WorkspaceFiles
    files: ConversionFiles
    here: bool
    limits: JobLimits


@dataclass(frozen=True)
class OrderedCompression:
    order_url: str


def order_compression(
    at: LargeCompressions, tenant: str, job_id: str, attempt: int, workspace: str, names: Sequence[str]
) -> OrderedCompression:
    """Writes the order of an attempt, of candidates of these names; a second call writes it anew.

    Raises CompressorMissing, and Conflict when the attempt isn't running.
    """
    if not at.here:
        raise CompressorMissing(
            "the model is too large for a function to compress it, and jobs are off: "
            "who runs this service deploys it with the setting `cpu_jobs` on, then retry the job"
        )
    job = at.registry.get_job(tenant, job_id)
    if (job.state, job.attempt) != ("running", attempt):
        raise Conflict(f"attempt {attempt} of job {job_id} is not running", job_id=job_id)
    body = msgspec.json.encode(_order(at, tenant, job, workspace, names))
    url = at.files.put_order(f"{FOLDER}/{tenant}/{job.id}/{job.attempt}/{ORDER}", body, URL_SECONDS)
    log = JobLog(at.registry, tenant, job_id, job.attempt, "compress")
    log.write(f"the model is large: a job of its own makes and compares the {len(names)} candidates")
    log.write("waiting for a place: the job is in the queue, in which tenants take turns")
    return OrderedCompression(url)


def _order(at: LargeCompressions, tenant: str, job: Job, workspace: str, names: Sequence[str]) -> dict[str, Any]:
    there = set(at.workspaces.names(workspace))
    known = [*names, *(f"{name}{MIXED}" for name in names)]
    left = [*(f"candidates/{name}/{file}" for name in known for file in _LEFT), _CHOSEN]
    return {
        "attempt": f"{job.id}/{job.attempt}",
        "names": list(names),
        "files": {
            name: at.workspaces.get_url(workspace, name, URL_SECONDS) for name in (*_READ, *_ROWS) if name in there
        },
        # Whether they lie there is asked again by the job: an attempt of its own may have put them.
        "kept": {name: at.workspaces.get_url(workspace, name, URL_SECONDS) for name in left},
        "outputs": {name: at.workspaces.put_url(workspace, name, URL_SECONDS) for name in left},
        "progress": {
            slug: at.files.put_url(progress_key(tenant, job, slug), URL_SECONDS) for slug in progress_slugs(known)
        },
        "limits": asdict(at.limits),
    }

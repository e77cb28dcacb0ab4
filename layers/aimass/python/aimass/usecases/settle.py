"""What comes due: deleted versions and models are purged, uploads that nobody completed end."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from aimass.domain.clock import later
from aimass.domain.errors import Conflict, NotFound, UploadNotFound
from aimass.domain.jobs import Failure, Job, PredictionCall, Upload
from aimass.domain.model import Deletion, Due, Version
from aimass.domain.ports import ArtifactIndex, DueList, ModelRegistry, PredictionFiles, UploadStore, WebhookQueue
from aimass.usecases.prediction_jobs import KEPT_DAYS, announce
from aimass.usecases.run_prediction import LOST_SECONDS, interrupt

_OVER = "reminders_over"
_LATER = "left_for_later"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class House:
    """What is kept in order."""

    registry: ModelRegistry
    index: ArtifactIndex
    uploads: UploadStore
    due: DueList
    webhooks: WebhookQueue
    files: PredictionFiles


def settle_due(at: House, moment: str, has_time: Callable[[], bool]) -> Counter[str]:
    """Does what is due before the moment, the oldest first, and counts it."""
    counts: Counter[str] = Counter()
    for due in at.due.due(moment):
        if not has_time():
            break
        try:
            outcome = _settled(at, due, moment, has_time)
            if outcome != _LATER:
                at.due.done(due)
        except Exception:  # one that fails stops no other; the next run meets it again
            logger.exception("%s %s of tenant %s, due at %s, failed", due.kind, due.subject, due.tenant, due.at)
            outcome = "due_failed"
        counts[outcome] += 1
    return counts


def _settled(at: House, due: Due, moment: str, has_time: Callable[[], bool]) -> str:
    try:
        if due.kind == "version":
            return _purge_version(at, due, moment)
        if due.kind == "model":
            return _purge_model(at, due, moment, has_time)
        if due.kind == "prediction":
            return _end_prediction(at, due, moment)
        return _end_upload(at, due)
    except NotFound:
        return _OVER


def _purge_version(at: House, due: Due, moment: str) -> str:
    _, model, number = due.subject.split("#")
    version = at.registry.get_version(due.tenant, model, int(number))
    if not _purgeable(version.deleted, moment):
        return _OVER
    _purge(at, due.tenant, version)
    return "versions_purged"


def _purge_model(at: House, due: Due, moment: str, has_time: Callable[[], bool]) -> str:
    """Purges the model's versions one by one, then its name. A run that has no time left is gone on with later."""
    tenant, (_, name) = due.tenant, due.subject.split("#")
    if not _purgeable(at.registry.find_model(tenant, name).deleted, moment):
        return _OVER
    for number in at.registry.version_numbers(tenant, name):
        version = at.registry.get_version(tenant, name, number)
        if version.deleted and version.deleted.is_purged:
            continue
        if version.state == "importing" or version.compressing or not has_time():
            return _LATER
        if version.deleted is None:
            at.registry.delete_version(tenant, version, Deletion(moment, moment, version.state))
            version = at.registry.get_version(tenant, name, number)
        _purge(at, tenant, version)
    at.registry.purge_model(tenant, at.registry.find_model(tenant, name))
    return "models_purged"


def _purgeable(deletion: Deletion | None, moment: str) -> bool:
    """Whether it is deleted and may go: a restore, or a later delete with a reminder of its own, came between."""
    return deletion is not None and not deletion.is_purged and deletion.purge_at <= moment


def _purge(at: House, tenant: str, version: Version) -> None:
    # The stub first: were the references gone before, a version that can be restored would lose its files.
    at.registry.purge_version(tenant, version)
    at.index.unrefer(tenant, version.model, version.number, version.digests)


def _end_prediction(at: House, due: Due, moment: str) -> str:
    """Ends a prediction whose body never came, or whose attempt died and did not come again."""
    job = at.registry.get_job(due.tenant, due.subject.removeprefix("JOB#"))
    if job.finished_at or job.call is None or job.call.given_up_at > moment:
        return _OVER
    if job.state == "running":
        if later(job.call.given_up_at, seconds=LOST_SECONDS) > moment:
            return _LATER  # its message is about to come again, and may run it again
        return "predictions_interrupted" if interrupt(at.registry, at.webhooks, due.tenant, job) else _OVER
    failure = _overdue(at, job.call, moment)
    if failure is None:
        return _LATER
    announce(at.webhooks, due.tenant, job)
    try:
        at.registry.fail(due.tenant, job, failure)
    except Conflict:  # it runs or has ended, with a reminder of its own
        return _OVER
    return "predictions_expired"


def _overdue(at: House, call: PredictionCall, moment: str) -> Failure | None:
    """Why a job that waits is given up; None while its body is there and its message waits in the queue."""
    if call.expires_at <= moment:
        reason = f"it did not run in the {KEPT_DAYS} days that its body is kept; make another prediction"
        return Failure("upload", "input_expired", reason)
    if at.files.find_input(call.key):
        return None
    reason = "the body did not arrive before its URL expired; make another prediction"
    return Failure("upload", "upload_expired", reason)


def _end_upload(at: House, due: Due) -> str:
    job = at.registry.get_job(due.tenant, due.subject.removeprefix("JOB#"))
    if job.state != "waiting":
        return _OVER
    # Should its file, or the event of it, still come, the import starts all the same; no compression does.
    at.registry.fail(due.tenant, job, _unsent(job) if job.kind == "compression" else _closed(at.uploads, job.upload))
    return "uploads_expired"


def _unsent(job: Job) -> Failure:
    reason = f"{job.filename!r} did not arrive within a day; ask for the compression again"
    return Failure("upload", "upload_expired", reason)


def _closed(uploads: UploadStore, upload: Upload | None) -> Failure:
    """Drops what has arrived of an upload; returns why it is given up, a day after it was granted."""
    expired = Failure("upload", "upload_expired", "the file did not arrive within a day; upload it again")
    if upload is None:
        return expired
    try:
        uploads.abort_multipart(upload.key, upload.storage_id)
    except UploadNotFound:
        if upload.completing:
            reason = "the parts were made one file, but no import of it started within a day; upload it again"
            return Failure("upload", "import_not_started", reason)
    return expired

"""Predictions as jobs: asked for, answered later, run again or cancelled."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ulid import ULID

from aimass.domain.clock import later, now
from aimass.domain.errors import (
    AnswerExpired,
    InvalidArguments,
    JobNotEnded,
    JobNotRetryable,
    NoAnswer,
    NotFound,
    PayloadTooLarge,
    WebhookSecretMissing,
)
from aimass.domain.jobs import Failure, Job, PredictionAnswer, PredictionCall
from aimass.domain.model import Version
from aimass.domain.ports import (
    ImportRunner,
    ModelRegistry,
    PredictionFiles,
    TenantLimits,
    UploadStore,
    WebhookQueue,
    WebhookSecrets,
)
from aimass.domain.webhooks import target_of
from aimass.usecases.cancel import cancel_job
from aimass.usecases.find_version import VersionFinder

MAX_INPUT_BYTES = 256 * 1024 * 1024
KEPT_DAYS = 7
#: A body's URL holds for an hour; what was sent in its last minute is on its way a little longer.
ARRIVES_SECONDS = 75 * 60
MAX_HEADER = 1024
_UNSAID = {"", "application/octet-stream", "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Predictions:
    """Where prediction jobs are kept, and what tells of their ends. `loopback`: webhooks may go to this machine."""

    registry: ModelRegistry
    files: PredictionFiles
    limits: TenantLimits
    secrets: WebhookSecrets
    webhooks: WebhookQueue
    loopback: bool = False


@dataclass(frozen=True)
class NewPrediction:
    """A call of `POST /predict/{model}`: its body, or how many bytes will be sent to a URL."""

    model: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes | None = None
    size: int = 0
    webhook: str | None = None


def request_prediction(at: Predictions, tenant: str, new: NewPrediction) -> Job:
    """Makes the waiting job, and stores its body if there is one: the object's event starts it.

    Raises InvalidArguments, PayloadTooLarge, WebhookSecretMissing, LimitExceeded, and what finding a version raises.
    """
    _check_body(new)
    _check_webhook(at, tenant, new.webhook)
    asked = _asked(new)
    version = VersionFinder(at.registry, time.monotonic).find(tenant, new.model, asked)
    _check_variant(new, version)
    job_id, moment = str(ULID()), now()
    expires_at = later(moment, days=KEPT_DAYS)
    call = PredictionCall(
        key=f"predictions/in/{tenant}/{job_id}",
        query=dict(new.query),
        headers=dict(new.headers),
        given_up_at=later(moment, seconds=ARRIVES_SECONDS) if new.body is None else expires_at,
        expires_at=expires_at,
        asked=None if asked is None else str(asked),
        webhook=new.webhook,
    )
    job = Job(job_id, "prediction", new.model, version.number, "", "waiting", moment, call=call)
    at.registry.reserve_prediction(tenant, job, at.limits.limits_of(tenant))
    if new.body is not None:
        _store(at, tenant, job, call, new.body)
    return job


def input_url(at: Predictions, job: Job, size: int) -> str:
    """Where the body of a job that was made without one is put."""
    assert job.call is not None
    return at.files.input_url(job.call.key, size, job.call.content_type)


def renewed(at: Predictions, tenant: str, job: Job) -> Job:
    """A job that still waits for its body, for another URL's time. Raises Conflict when it moved meanwhile."""
    assert job.call is not None
    waits = replace(job, call=replace(job.call, given_up_at=later(now(), seconds=ARRIVES_SECONDS)))
    at.registry.start_prediction(tenant, waits, was=job)
    return waits


def _store(at: Predictions, tenant: str, job: Job, call: PredictionCall, body: bytes) -> None:
    try:
        at.files.put_input(call.key, body, call.content_type)
    except Exception:
        at.registry.fail(tenant, job, Failure("upload", "upload_failed", "the body could not be stored; send it again"))
        raise


def _check_body(new: NewPrediction) -> None:
    fields = {name: "is too long" for name, value in new.headers.items() if len(value) > MAX_HEADER}
    size = new.size if new.body is None else len(new.body)
    if not size:
        fields["body"] = "missing: send what POST /predict/{model} takes, or ?size= for a URL to put it to"
    if fields:
        raise InvalidArguments.of_fields(fields)
    if size > MAX_INPUT_BYTES:
        raise PayloadTooLarge(
            f"{size} bytes are more than the {MAX_INPUT_BYTES} that one prediction takes; split it into several",
            size=size,
            limit=MAX_INPUT_BYTES,
        )


def _check_webhook(at: Predictions, tenant: str, url: str | None) -> None:
    if url is None:
        return
    target_of(url, loopback=at.loopback)
    if at.secrets.find(tenant) is None:
        raise WebhookSecretMissing("webhooks are signed: make a secret first, with POST /api/v1/webhook-secret")


def _asked(new: NewPrediction) -> int | str | None:
    """The version that the call names: a parameter, or the field of a JSON body that was sent along.

    Raises InvalidArguments for a body that names another model than the URL.
    """
    document = _document(new)
    model = document.get("model_name")
    if model is not None and model != new.model:
        other = f"is {new.model[:80]!r} in the URL and {str(model)[:80]!r} in the body"
        raise InvalidArguments.of_fields({"model_name": other})
    if "version" in new.query:
        return new.query["version"]
    named = document.get("version")
    return named if isinstance(named, int | str) and not isinstance(named, bool) and named != "" else None


def _document(new: NewPrediction) -> Mapping[str, Any]:
    """The JSON object that was sent along. What is no JSON is refused when it runs, as the direct call does."""
    if new.body is None or new.body.lstrip()[:1] != b"{" or "content-encoding" in new.headers or not _may_be_json(new):
        return {}
    with suppress(ValueError, RecursionError):
        document = json.loads(new.body)
        return document if isinstance(document, dict) else {}
    return {}


def _check_variant(new: NewPrediction, version: Version) -> None:
    """Raises InvalidArguments for a variant that the version does not have, where the version is known by now."""
    name, names = new.query.get("compress", "null"), [variant.name for variant in version.variants]
    if name == "null" or name in names or _may_name_a_version(new):
        return
    there_are = ", ".join(map(repr, names))
    wrong = f"version {version.number} has no variant {name[:80]!r}; there are: {there_are}"
    raise InvalidArguments.of_fields({"compress": wrong})


def _may_name_a_version(new: NewPrediction) -> bool:
    """Whether a body that is not read here, one to come, a packed one or a form, may say which version is meant."""
    if "version" in new.query:
        return False
    unread = new.body is None or "content-encoding" in new.headers
    return _said(new) == "multipart/form-data" or (unread and _may_be_json(new))


def _may_be_json(new: NewPrediction) -> bool:
    """As the direct call reads it: where nothing better is said of a body, an object is JSON."""
    return _said(new) in _UNSAID or "json" in _said(new)


def _said(new: NewPrediction) -> str:
    return new.headers.get("content-type", "").partition(";")[0].strip().lower()


def stored_answer(job: Job) -> PredictionAnswer:
    """What a job was answered. Raises NoAnswer, JobNotEnded, AnswerExpired."""
    if job.call is None:
        raise NoAnswer(f"job {job.id} is an {job.kind}: only a prediction has an answer", kind=job.kind)
    if not job.finished_at:
        raise JobNotEnded(f"job {job.id} is {job.state}: its answer is not there yet", state=job.state)
    if job.answer is None:
        why = f": {job.error.message}" if job.error else ""
        raise NoAnswer(f"job {job.id} {job.state} without an answer{why}", state=job.state)
    if job.call.expires_at <= now():
        raise _expired(job)
    return job.answer


def read_answer(at: Predictions, job: Job) -> bytes:
    """The answer's body. Raises what `stored_answer` does."""
    answer = stored_answer(job)
    try:
        return at.files.read_answer(answer)
    except NotFound as error:
        raise _expired(job) from error


def _expired(job: Job) -> AnswerExpired:
    kept = f"the answer of job {job.id} was kept for {KEPT_DAYS} days; make another prediction"
    return AnswerExpired(kept, job_id=job.id)


def retry_prediction(at: Predictions, tenant: str, job: Job) -> Job:
    """Runs a prediction that failed or was cancelled again, over the same body and the same version.

    Raises JobNotRetryable, LimitExceeded, Conflict.
    """
    call = job.call
    if job.state not in {"failed", "cancelled"} or call is None:
        raise JobNotRetryable(f"job {job.id} is {job.state}; one that failed can be retried", state=job.state)
    version_id = call.version_id or at.files.find_input(call.key)
    if version_id is None:
        raise JobNotRetryable(f"job {job.id} never had its body: make another prediction", state=job.state)
    expires_at = later(now(), days=KEPT_DAYS)
    waits = replace(call, version_id=version_id, given_up_at=expires_at, expires_at=expires_at)
    again = replace(
        job,
        state="waiting",
        step="upload",
        attempt=job.attempt + 1,
        finished_at=None,
        error=None,
        answer=None,
        call=waits,
    )
    at.registry.repeat_prediction(tenant, again, was=job, limits=at.limits.limits_of(tenant))
    try:
        at.files.repeat_input(call.key, version_id, call.content_type)
    except NotFound as error:
        gone = f"the body of job {job.id} was kept for {KEPT_DAYS} days; make another prediction"
        at.registry.fail(tenant, again, Failure("upload", "input_expired", gone))
        raise JobNotRetryable(gone, state="failed") from error
    except Exception:
        at.registry.fail(tenant, again, Failure("upload", "upload_failed", "the body could not be stored; try again"))
        raise
    at.registry.log(tenant, job.id, again.attempt, "upload", f"attempt {again.attempt}")
    return again


def cancel_prediction(at: Predictions, uploads: UploadStore, runner: ImportRunner, tenant: str, job: Job) -> Job:
    """Ends a prediction that has not ended; what it may still answer is not kept. Raises JobNotCancellable."""
    if not job.finished_at:
        announce(at.webhooks, tenant, job)
    return cancel_job(at.registry, uploads, runner, tenant, job.id)


def announce(webhooks: WebhookQueue, tenant: str, job: Job) -> None:
    """Has the job's webhook sent, if it has one, once it has ended: told of before that is written, none is lost."""
    if job.call and job.call.webhook:
        webhooks.announce(tenant, job.id, job.attempt)

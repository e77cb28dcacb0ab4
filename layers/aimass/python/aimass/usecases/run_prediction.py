"""A prediction job's body has arrived: the call is made and its answer kept, once, however often the event comes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aimass.domain.clock import later, now
from aimass.domain.errors import Conflict, JobNotFound, NotFound
from aimass.domain.jobs import Failure, Job, JobState, PredictionAnswer, PredictionCall, StepTime
from aimass.domain.model import Version
from aimass.domain.ports import ModelRegistry, PredictionFiles, WebhookQueue
from aimass.inference.dataplane import FindVersion
from aimass.usecases.job_log import JobLog
from aimass.usecases.prediction_jobs import announce

STEP = "predict"
#: More than the function's timeout, less than the time after which its message comes again.
ATTEMPT_SECONDS = 920
#: So long after an attempt was given up its message has come again, unless it is lost.
LOST_SECONDS = 900
MAX_RECEIVES = 3
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Runs:
    """What running a prediction job takes."""

    registry: ModelRegistry
    files: PredictionFiles
    webhooks: WebhookQueue


@dataclass(frozen=True)
class ArrivedInput:
    """An object version under `predictions/in/<tenant>/<job>`; `receives` counts how often its event was handed out."""

    key: str
    version_id: str
    receives: int = 1


@dataclass(frozen=True)
class Answered:
    """What the call was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    failure: Failure | None = None


Answer = Callable[[Job, bytes], Answered]


def pinned(find: FindVersion, job: Job) -> FindVersion:
    """As `find`, but the name that the job's call gave its version is the version that it meant then."""
    asked = job.call.asked if job.call else None

    def find_version(tenant: str, model: str, ref: int | str | None) -> Version:
        named = None if ref is None else str(ref)
        return find(tenant, model, job.version if named == asked else ref)

    return find_version


def run_prediction(at: Runs, arrived: ArrivedInput, answer: Answer) -> str | None:
    """Runs the job of what arrived, and returns the state that it leaves it in; None where nothing was to be done."""
    _, _, tenant, job_id = arrived.key.split("/", 3)
    try:
        job = at.registry.get_job(tenant, job_id)
    except JobNotFound:
        return None
    if job.call is None:
        return None
    if job.finished_at:
        if arrived.receives > 1:  # whoever had the message before may not have come to tell
            announce(at.webhooks, tenant, job)
        return None
    if job.state == "running" and job.call.given_up_at > now():
        return None  # a doubled event: the attempt goes on
    if job.state == "running" and arrived.receives > MAX_RECEIVES:
        return interrupt(at.registry, at.webhooks, tenant, job)
    started = _started(at, tenant, job, job.call, arrived)
    return _run(at, tenant, started, answer) if started else None


def interrupt(registry: ModelRegistry, webhooks: WebhookQueue, tenant: str, job: Job) -> str | None:
    """Ends a job whose attempt must have died."""
    reason = "its process ended before it could answer, most often for want of memory or time: send less in one call"
    announce(webhooks, tenant, job)
    try:
        registry.fail(tenant, job, Failure(STEP, "prediction_interrupted", reason))
    except Conflict:
        return None
    JobLog(registry, tenant, job.id, job.attempt, STEP).write(f"failed: {reason} (prediction_interrupted)")
    return "failed"


def _started(at: Runs, tenant: str, job: Job, call: PredictionCall, arrived: ArrivedInput) -> Job | None:
    """The attempt that now runs, or None when the job moved meanwhile."""
    moment = now()
    interrupted = job.state == "running"
    pinned = (call.version_id if interrupted else None) or arrived.version_id
    attempt = job.attempt + interrupted
    running = replace(
        job,
        state="running",
        step="predict",
        attempt=attempt,
        steps=(*job.steps, StepTime(STEP, moment, attempt)),
        call=replace(call, version_id=pinned, given_up_at=later(moment, seconds=ATTEMPT_SECONDS)),
    )
    try:
        at.registry.start_prediction(tenant, running, was=job)
    except Conflict:
        return None
    if interrupted:
        JobLog(at.registry, tenant, job.id, running.attempt, STEP).write("the attempt before was interrupted: again")
    return running


def _run(at: Runs, tenant: str, job: Job, answer: Answer) -> str | None:
    assert job.call is not None
    assert job.call.version_id is not None
    log = JobLog(at.registry, tenant, job.id, job.attempt, STEP)
    began = time.monotonic()
    try:
        body = at.files.read_input(job.call.key, job.call.version_id)
    except NotFound:
        ended = _ended(job, Failure(STEP, "input_expired", "the body was kept for a week and is gone"), None)
    else:
        log.write(f"{len(body)} bytes arrived; version {job.version} of {job.model} answers them")
        answered = answer(job, body)
        ended = _ended(job, answered.failure, _kept(at, tenant, job, answered))
    announce(at.webhooks, tenant, ended)
    try:
        at.registry.end_prediction(tenant, ended, was=job)
    except Conflict:
        log.write("ended meanwhile: this answer is not kept")
        return None
    log.write(_told(ended, time.monotonic() - began))
    return ended.state


def _kept(at: Runs, tenant: str, job: Job, answered: Answered) -> PredictionAnswer:
    key, content_type = f"predictions/out/{tenant}/{job.id}", answered.headers.get("content-type", "")
    version_id = at.files.put_answer(key, answered.body, content_type or "application/octet-stream")
    return PredictionAnswer(answered.status, dict(answered.headers), len(answered.body), key, version_id)


def _ended(job: Job, failure: Failure | None, answer: PredictionAnswer | None) -> Job:
    state: JobState = "failed" if failure else "succeeded"
    changes: dict[str, Any] = {"error": failure, "answer": answer, "finished_at": now()}
    answering = (answer.headers if answer else {}).get("x-model-version", "")
    if answering.isdigit():  # a body that was put to a URL may name another version than the call did
        changes["version"] = int(answering)
    return replace(job, state=state, **changes)


def _told(job: Job, seconds: float) -> str:
    if job.error:
        return f"failed after {seconds:.1f} s: {job.error.message} ({job.error.code})"
    assert job.answer is not None
    return f"answered {job.answer.status} with {job.answer.size} bytes after {seconds:.1f} s"

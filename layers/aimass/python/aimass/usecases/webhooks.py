"""Webhooks: the secret that signs them, and telling a receiver how a prediction job ended."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aimass.domain.clock import later, now
from aimass.domain.errors import JobNotFound
from aimass.domain.jobs import Job
from aimass.domain.ports import ModelRegistry, WebhookSecrets, WebhookSender
from aimass.domain.webhooks import NotDelivered, WebhookSecret, secret_of, signatures, target_of
from aimass.usecases.job_log import JobLog

KEY_BYTES = 32
OVERLAP_HOURS = 24
#: Seconds before the second try, the third, ...: eight tries in 19 hours.
PAUSES = (10, 60, 300, 1800, 7200, 18_000, 39_600)
STEP = "webhook"


@dataclass(frozen=True)
class Deliveries:
    """What delivering takes; `view` makes the public record of a job."""

    registry: ModelRegistry
    secrets: WebhookSecrets
    sender: WebhookSender
    view: Callable[[Job], dict[str, Any]]
    loopback: bool = False


@dataclass(frozen=True)
class Announced:
    """The end of a job's attempt that shall be told; `tries` counts this try too."""

    tenant: str
    job_id: str
    attempt: int
    tries: int


def rotate_secret(store: WebhookSecrets, tenant: str) -> WebhookSecret:
    """A new secret for the tenant's webhooks. The one before signs them too, for a day."""
    before, moment = store.find(tenant), now()
    overlap = (before.secret, later(moment, hours=OVERLAP_HOURS)) if before else (None, None)
    secret = WebhookSecret(secret_of(secrets.token_bytes(KEY_BYTES)), moment, *overlap)
    store.keep(tenant, secret)
    return secret


def deliver(at: Deliveries, announced: Announced) -> int | None:
    """Tells the receiver. Returns None when that is done or given up, or the seconds after which to try again."""
    try:
        job = at.registry.get_job(announced.tenant, announced.job_id)
    except JobNotFound:
        return None
    secret = at.secrets.find(announced.tenant)
    if job.attempt != announced.attempt or secret is None or job.call is None or job.call.webhook is None:
        return None  # it runs again: that attempt's end is told
    if not job.finished_at:
        return _pause(announced)
    log = JobLog(at.registry, announced.tenant, job.id, job.attempt, STEP)
    body = _body(at, job)
    try:
        status = at.sender.post(target_of(job.call.webhook, loopback=at.loopback), _headers(secret, job, body), body)
        if not 200 <= status < 300:
            raise NotDelivered(f"it answered {status}")
    except NotDelivered as failure:
        pause = _pause(announced)
        then = "given up" if pause is None else f"next in {pause} s"
        log.write(f"webhook not delivered, try {announced.tries}: {failure}; {then}")
        return pause
    log.write(f"webhook delivered, try {announced.tries}: it answered {status}")
    return None


def _pause(announced: Announced) -> int | None:
    return PAUSES[announced.tries - 1] if announced.tries <= len(PAUSES) else None


def _body(at: Deliveries, job: Job) -> bytes:
    """The same for every try: receivers know by the id that they had it."""
    told = {"type": f"prediction.{job.state}", "timestamp": job.finished_at, "data": at.view(job)}
    return json.dumps(told, separators=(",", ":")).encode()


def _headers(secret: WebhookSecret, job: Job, body: bytes) -> dict[str, str]:
    message_id, timestamp = f"msg_{job.id}_{job.attempt}", int(time.time())
    return {
        "content-type": "application/json",
        "user-agent": "aimass-webhooks/1",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signatures(secret.valid(now()), message_id, timestamp, body),
    }

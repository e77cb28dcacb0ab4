"""How a Step Functions state calls a use case: its event, its answer and its errors."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import msgspec

from aimass.domain.errors import AimassError, InternalError
from aimass.domain.model import Failure
from aimass.domain.ports import ModelRegistry

Event = dict[str, Any]
MAX_MESSAGE = 2000
MAX_DETAILS_BYTES = 8000
logger = logging.getLogger(__name__)

_UNEXPECTED = {
    "States.Timeout": ("step_timeout", "the step took too long"),
    "Sandbox.Timedout": ("step_timeout", "the step took too long"),
    "States.ServiceRestart": ("interrupted", "the step was interrupted by a restart"),
    "Lambda.Unknown": ("step_crashed", "the step took too long or ended abruptly, most often for want of memory"),
    "Runtime.ExitError": ("step_crashed", "the step ended abruptly, most often for want of memory"),
}


class StepRefused(Exception):
    """The import cannot go on. Its text is the failure as JSON; its name tells the state machine not to retry."""


def run_step(registry: ModelRegistry, step: str, event: Event, work: Callable[[str, str], object]) -> Any:
    """Runs `work(tenant, job_id)` as the job's step, and answers with its result as plain JSON values.

    Raises StepRefused for every error that the domain names; anything else goes on as it is.
    """
    tenant, job_id = event["tenant"], event["job_id"]
    try:
        registry.enter_step(tenant, job_id, event["attempt"], step)
        return msgspec.to_builtins(work(tenant, job_id))
    except InternalError:
        logger.exception("%s of job %s failed", step, job_id)
        raise
    except AimassError as error:
        raise StepRefused(msgspec.json.encode(_failure(step, error)).decode()) from error


def _failure(step: str, error: AimassError) -> Failure:
    """The failure, cut to what a state may carry and an item may hold, whatever names the model has."""
    details = error.details if len(msgspec.json.encode(error.details)) <= MAX_DETAILS_BYTES else {}
    return Failure(step, error.code, error.message[:MAX_MESSAGE], details)


def failure_of(event: Event, step: str) -> Failure:
    """What went wrong, of the `{"Error", "Cause"}` that the state machine caught in `step`."""
    caught = event["error"]
    if caught["Error"] == StepRefused.__name__:
        message = json.loads(caught["Cause"])["errorMessage"]
        return msgspec.json.decode(message, type=Failure)
    code, what = _UNEXPECTED.get(caught["Error"], ("internal_error", "the step failed unexpectedly"))
    return Failure(step, code, f"{what}; retry the job, or report it with its id", {"error": caught["Error"]})

"""How a Step Functions state calls a use case: its event, its answer and its errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

from aimass.domain.errors import AimassError
from aimass.domain.model import Failure
from aimass.domain.ports import ModelRegistry

Event = dict[str, Any]

_UNEXPECTED = {
    "States.Timeout": ("step_timeout", "the step took too long"),
    "Sandbox.Timedout": ("step_timeout", "the step took too long"),
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
        registry.enter_step(tenant, job_id, step)
        return msgspec.to_builtins(work(tenant, job_id))
    except AimassError as error:
        failure = Failure(step, error.code, error.message, error.details)
        raise StepRefused(msgspec.json.encode(failure).decode()) from error


def failure_of(event: Event, step: str) -> Failure:
    """What went wrong, of the `{"Error", "Cause"}` that the state machine caught in `step`."""
    caught = event["error"]
    if caught["Error"] == StepRefused.__name__:
        message = json.loads(caught["Cause"])["errorMessage"]
        return msgspec.json.decode(message, type=Failure)
    code, what = _UNEXPECTED.get(caught["Error"], ("internal_error", "the step failed unexpectedly"))
    return Failure(step, code, f"{what}; retry the job, or report it with its id", {"error": caught["Error"]})

"""How a Step Functions state calls a use case: its event, its answer and its errors."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from aimass.domain.errors import AimassError, ArtifactBusy, Busy, InternalError
from aimass.domain.jobs import Failure
from aimass.domain.ports import ModelRegistry
from aimass.usecases.job_log import JobLog

Event = dict[str, Any]
MAX_MESSAGE = 2000
MAX_DETAILS_BYTES = 8000
logger = logging.getLogger(__name__)

_ABORTED = "Execution.Aborted"
_ENDED = {"ABORTED": _ABORTED, "TIMED_OUT": "States.Timeout"}
_UNEXPECTED = {
    _ABORTED: ("interrupted", "the execution was stopped"),
    "States.Timeout": ("step_timeout", "the step took too long"),
    "Sandbox.Timedout": ("step_timeout", "the step took too long"),
    "States.TaskFailed": ("step_crashed", "the job ended abruptly, most often for want of memory"),
    "States.ServiceRestart": ("interrupted", "the step was interrupted by a restart"),
    "StepBusy": ("busy", "other changes to the same things stayed in the way"),
    "Lambda.TooManyRequestsException": ("capacity_exhausted", "all that can run this step was busy"),
    "Lambda.Unknown": ("step_crashed", "the step took too long or ended abruptly, most often for want of memory"),
    "Runtime.ExitError": ("step_crashed", "the step ended abruptly, most often for want of memory"),
}


class StepRefused(Exception):
    """The work cannot go on. Its text is the failure as JSON; its name tells the state machine not to retry."""


class StepBusy(Exception):
    """Something that passes was in the way. Its name tells the state machine to try the step again."""


def run_step(
    registry: ModelRegistry, step: str, event: Event, work: Callable[[str, str], object], *, enters: bool = True
) -> Any:
    """Runs `work(tenant, job_id)` as the job's step, and answers with its result as plain JSON values.

    One of several states that are one step together, side by side, `enters` none, and says itself what it does.

    Raises StepBusy for what passes, StepRefused for every other error that the domain names; anything else goes on
    as it is.
    """
    tenant, job_id, attempt = event["tenant"], event["job_id"], event["attempt"]
    log = JobLog(registry, tenant, job_id, attempt, step)
    began = time.monotonic()
    try:
        if enters:
            registry.enter_step(tenant, job_id, attempt, step)
            log.write("started" if attempt == 1 else f"started, attempt {attempt}")
        result = msgspec.to_builtins(work(tenant, job_id))
    except InternalError:
        logger.exception("%s of job %s failed", step, job_id)
        raise
    except (ArtifactBusy, Busy) as error:
        log.write(f"did not finish: {error.message}")
        raise StepBusy(error.message) from error
    except AimassError as error:
        raise StepRefused(msgspec.json.encode(_failure(step, error)).decode()) from error
    if enters:
        log.write(f"finished after {time.monotonic() - began:.1f} s")
    return result


def _failure(step: str, error: AimassError) -> Failure:
    """The failure, cut to what a state may carry and an item may hold, whatever names the model has."""
    details = error.details if len(msgspec.json.encode(error.details)) <= MAX_DETAILS_BYTES else {}
    return Failure(step, error.code, error.message[:MAX_MESSAGE], details)


def failure_of(caught: Event, step: str) -> Failure:
    """What went wrong, of the `{"Error", "Cause"}` that the state machine caught in `step`."""
    if caught["Error"] == StepRefused.__name__:
        with suppress(ValueError, KeyError):  # a cause that was cut, or is none of ours, says nothing
            message = json.loads(caught["Cause"])["errorMessage"]
            return msgspec.json.decode(message, type=Failure)
    code, what = _UNEXPECTED.get(caught["Error"], ("internal_error", "the step failed unexpectedly"))
    return Failure(step, code, f"{what}; retry the job, or report it with its id", {"error": caught["Error"]})


def failure_of_execution(detail: Event, step: str) -> Failure:
    """What went wrong, of the detail of an execution's status change: it was ABORTED, TIMED_OUT or FAILED."""
    error = _ENDED.get(detail["status"]) or detail.get("error") or "States.Unknown"
    return failure_of({"Error": error, "Cause": detail.get("cause") or ""}, step)

"""An execution, of an import or of a compression, ended badly, perhaps before it could say so: its job ends too."""

import json
from typing import Any

import msgspec
from aws_lambda_powertools import Logger

from aimass.bootstrap import stores
from aimass.protocols.states import Event, failure_of_execution
from aimass.usecases.fail_job import fail_job

logger = Logger(level="INFO")


def handler(event: Event, context: object) -> Any:
    """A `Step Functions Execution Status Change` event to the failure; a job that has ended stays as it is."""
    detail = event["detail"]
    if not detail.get("input"):  # left out of the event when it is larger than 248 KB
        logger.error("an execution's event has no input; a retry of its job will find that it ended", extra=_of(detail))
        return None
    document, registry = json.loads(detail["input"]), stores.registry()
    tenant, job_id = document["tenant"], document["job_id"]
    failure = failure_of_execution(detail, registry.get_job(tenant, job_id).step)
    fail_job(registry, tenant, job_id, document["attempt"], failure)
    return msgspec.to_builtins(failure)


def _of(detail: Event) -> dict[str, str]:
    return {"execution": detail["name"], "status": detail["status"]}

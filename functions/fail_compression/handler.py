"""State `fail_compression`: whatever went wrong is written on the job; the version answers as it did."""

from typing import Any

import msgspec

from aimass.bootstrap import stores
from aimass.protocols.states import Event, failure_of
from aimass.usecases.fail_job import fail_job
from aimass.usecases.order_compression import left_failure

_JOB_FAILED = "States.TaskFailed"  # no function's error is called so


def handler(event: Event, context: object) -> Any:
    """`{tenant, job_id, attempt, error: {Error, Cause}}` to the failure as it was recorded."""
    registry, tenant, job_id = stores.registry(), event["tenant"], event["job_id"]
    job = registry.get_job(tenant, job_id)
    failure = failure_of(event["error"], job.step)
    if event["error"]["Error"] == _JOB_FAILED and job.attempt == event["attempt"]:
        failure = left_failure(stores.conversion_files(), tenant, job) or failure
    fail_job(registry, tenant, job_id, event["attempt"], failure)
    return msgspec.to_builtins(failure)

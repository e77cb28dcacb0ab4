"""State `fail_import`: whatever went wrong is written on the job and its version."""

from typing import Any

import msgspec

from aimass.bootstrap import stores
from aimass.protocols.states import Event, failure_of
from aimass.usecases.fail_job import fail_job


def handler(event: Event, context: object) -> Any:
    """`{tenant, job_id, attempt, error: {Error, Cause}}` to the failure as it was recorded."""
    registry, tenant, job_id = stores.registry(), event["tenant"], event["job_id"]
    failure = failure_of(event["error"], registry.get_job(tenant, job_id).step)
    fail_job(registry, tenant, job_id, event["attempt"], failure)
    return msgspec.to_builtins(failure)

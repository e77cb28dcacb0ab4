"""State `publish`: candidates that keep the budget become variants of the version, and the report is kept."""

from typing import Any

import msgspec

from aimass.bootstrap import compressing
from aimass.protocols.states import Event, run_step
from aimass.usecases.publish_compression import publish, published


def handler(event: Event, context: object) -> Any:
    """`{tenant, job_id, attempt, prepared: {workspace}}` to the variants, and which of them is chosen."""
    at = compressing.publishing()
    if done := published(at.registry, event["tenant"], event["job_id"]):
        return msgspec.to_builtins(done)

    def work(tenant: str, job_id: str) -> Any:
        return publish(at, tenant, job_id, event["prepared"]["workspace"])

    return run_step(at.registry, "publish", event, work)

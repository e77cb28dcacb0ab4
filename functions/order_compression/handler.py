"""State `order_compression`: what the job of a large model may fetch, leave and use is written down for it."""

from typing import Any

from aimass.bootstrap import compressing
from aimass.protocols.states import Event, run_step
from aimass.usecases.order_compression import order_compression


def handler(event: Event, context: object) -> Any:
    """`{tenant, job_id, attempt, prepared, planned}` to an `OrderedCompression`; `plan` has entered the step."""
    at, workspace, names = compressing.large_compressions(), event["prepared"]["workspace"], event["planned"]["names"]

    def order(tenant: str, job_id: str) -> object:
        return order_compression(at, tenant, job_id, event["attempt"], workspace, names)

    return run_step(at.registry, "compress", event, order, enters=False)

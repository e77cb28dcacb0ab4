"""State `compress`: one candidate is made."""

from typing import Any

from aimass.bootstrap import compressing
from aimass.protocols.compression import running
from aimass.protocols.states import Event, run_step
from aimass.usecases.compression_steps import compress


def handler(event: Event, context: object) -> Any:
    """`{tenant, job_id, attempt, prepared, name}`; several at a time, so that none enters the step."""
    at = compressing.compression_steps()
    return run_step(
        at.registry, "compress", event, lambda *_: compress(at, running(event), event["name"]), enters=False
    )

"""State `evaluate`: one candidate is compared with the original."""

from typing import Any

from aimass.bootstrap import compressing
from aimass.protocols.compression import running
from aimass.protocols.states import Event, run_step
from aimass.usecases.compression_steps import evaluate


def handler(event: Event, context: object) -> Any:
    """`{tenant, job_id, attempt, prepared, name}`; several at a time, as a part of the step `compress`."""
    at = compressing.compression_steps()
    return run_step(
        at.registry, "compress", event, lambda *_: evaluate(at, running(event), event["name"]), enters=False
    )

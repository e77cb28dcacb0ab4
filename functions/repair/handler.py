"""State `repair`: a candidate over the budget is made again, with what costs most spared."""

from typing import Any

from aimass.bootstrap import compressing
from aimass.protocols.compression import running
from aimass.protocols.states import Event, run_step
from aimass.usecases.compression_steps import repair


def handler(event: Event, context: object) -> Any:
    """`{tenant, job_id, attempt, prepared, planned, place}`; the first of them enters the step."""
    at, place, names = compressing.compression_steps(), int(event["place"]), event["planned"]["names"]
    return run_step(
        at.registry, "repair", event, lambda *_: repair(at, running(event), names, place), enters=place == 0
    )

"""State `choose`: held-out rows are asked for a few finalists, and the best that keeps the budget is chosen."""

from typing import Any

from aimass.bootstrap import compressing
from aimass.protocols.compression import running
from aimass.protocols.states import Event, run_step
from aimass.usecases.compression_steps import choose


def handler(event: Event, context: object) -> Any:
    """`{tenant, job_id, attempt, prepared, planned}` to a `ChosenCompression`."""
    at, names = compressing.compression_steps(), event["planned"]["names"]
    return run_step(at.registry, "choose", event, lambda *_: choose(at, running(event), names))

"""State `plan`: which candidates are tried for a model, and which are not and why."""

from typing import Any

from aimass.bootstrap import compressing, resources
from aimass.protocols.compression import running
from aimass.protocols.states import Event, run_step
from aimass.usecases.compression_steps import plan


def handler(event: Event, context: object) -> Any:
    """`{tenant, job_id, attempt, prepared}` to a `PlannedCompression`."""
    at, large = compressing.compression_steps(), resources.compress_large_bytes()
    return run_step(at.registry, "plan", event, lambda *_: plan(at, running(event), large))

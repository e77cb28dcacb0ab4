"""State `prepare`: examples are read, split and encoded; they and the model become the workspace of a compression."""

from typing import Any

from aimass.bootstrap import compressing
from aimass.protocols.states import Event, run_step
from aimass.usecases.prepare_compression import prepare


def handler(event: Event, context: object) -> Any:
    """`{tenant, job_id, attempt}` to a `PreparedCompression`."""
    at = compressing.preparation()
    return run_step(at.registry, "prepare", event, lambda tenant, job_id: prepare(at, tenant, job_id))

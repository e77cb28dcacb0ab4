"""State `identify`: the upload becomes a recognised model of known files."""

from typing import Any

from aimass import bootstrap
from aimass.protocols.states import Event, run_step
from aimass.usecases.import_model import identify


def handler(event: Event, context: object) -> Any:
    """`{tenant, job_id, attempt}` to an `IdentifiedModel`."""
    at, uploads, limits = bootstrap.import_step(), bootstrap.uploads(), bootstrap.identify_limits()
    return run_step(
        at.registry, "identify", event, lambda tenant, job_id: identify(at, uploads, tenant, job_id, limits)
    )

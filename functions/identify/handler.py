"""State `identify`: the upload becomes a recognised model of known files."""

from typing import Any

from aimass.bootstrap import importing, resources, stores
from aimass.protocols.states import Event, run_step
from aimass.usecases.import_model import identify


def handler(event: Event, context: object) -> Any:
    """`{tenant, job_id, attempt}` to an `IdentifiedModel`."""
    at, uploads, limits = importing.import_step(), stores.uploads(), resources.identify_limits()
    return run_step(
        at.registry, "identify", event, lambda tenant, job_id: identify(at, uploads, tenant, job_id, limits)
    )

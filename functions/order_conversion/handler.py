"""State `order_conversion`: what the job that converts may fetch, leave and use is written down for it."""

from typing import Any

from msgspec import convert as read

from aimass.bootstrap import importing
from aimass.protocols.states import Event, run_step
from aimass.usecases.import_results import IdentifiedModel
from aimass.usecases.order_conversion import order_conversion


def handler(event: Event, context: object) -> Any:
    """`{tenant, job_id, attempt, identified}` to an `OrderedConversion`."""
    at, identified = importing.conversions(), read(event["identified"], IdentifiedModel)
    return run_step(
        at.registry, "convert", event, lambda tenant, job_id: order_conversion(at, tenant, job_id, identified)
    )

"""State `verify`: the model is loaded, run and measured in a sandbox."""

from typing import Any

from msgspec import convert as read

from aimass.bootstrap import importing, resources
from aimass.protocols.states import Event, run_step
from aimass.usecases.import_model import verify
from aimass.usecases.import_results import ConvertedModel, IdentifiedModel


def handler(event: Event, context: object) -> Any:
    """`{tenant, job_id, attempt, identified, converted?}` to a `VerifiedModel`.

    `identified` and `converted` come from the states before, or from the input when a version is verified again.
    """
    at = importing.import_step()
    identified = read(event["identified"], IdentifiedModel)
    converted = read(event.get("converted") or {"model": None}, ConvertedModel)
    limits, seconds = resources.verify_limits(), resources.prediction_seconds()

    def work(tenant: str, job_id: str) -> Any:
        return verify(at, tenant, job_id, identified, converted, limits, seconds)

    return run_step(at.registry, "verify", event, work)

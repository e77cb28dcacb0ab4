"""State `verify`: the model is loaded, run and measured in a sandbox."""

from typing import Any

from msgspec import convert as read

from aimass import bootstrap
from aimass.protocols.states import Event, run_step
from aimass.usecases.import_model import ConvertedModel, IdentifiedModel, verify


def handler(event: Event, context: object) -> Any:
    """`{tenant, job_id, identified, converted}` to a `VerifiedModel`."""
    registry = bootstrap.registry()
    model = read(event["converted"], ConvertedModel).model or read(event["identified"], IdentifiedModel).model
    limits, seconds = bootstrap.verify_limits(), bootstrap.prediction_seconds()
    return run_step(
        registry,
        "verify",
        event,
        lambda tenant, job_id: verify(registry, bootstrap.artifacts(), tenant, job_id, model, limits, seconds),
    )

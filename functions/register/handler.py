"""State `register`: the version becomes ready, or stored, or its new measurements its own, in one transaction."""

from typing import Any

from msgspec import convert as read

from aimass.bootstrap import stores
from aimass.protocols.states import Event, run_step
from aimass.usecases.import_results import ConvertedModel, IdentifiedModel, VerifiedModel
from aimass.usecases.register_model import is_registered, register


def handler(event: Event, context: object) -> Any:
    """`{tenant, job_id, attempt, identified, converted?, verified?}` to the registered model's name and number."""
    registry, index = stores.registry(), stores.artifact_index()
    if is_registered(registry, event["tenant"], event["job_id"]):
        return {"model": event["model"], "version": event["version"]}
    identified = read(event["identified"], IdentifiedModel)
    converted = read(event.get("converted") or {"model": None}, ConvertedModel)
    verified = read(event.get("verified"), VerifiedModel | None)

    def work(tenant: str, job_id: str) -> dict[str, Any]:
        version = register(registry, index, tenant, job_id, identified, converted, verified)
        return {"model": version.model, "version": version.number}

    return run_step(registry, "register", event, work)

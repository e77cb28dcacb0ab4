"""State `collect_conversion`: what the job left is judged, and its ONNX model kept."""

from typing import Any

from msgspec import convert as read

from aimass.bootstrap import importing
from aimass.protocols.states import Event, run_step
from aimass.usecases.collect_conversion import collect_conversion
from aimass.usecases.import_results import IdentifiedModel, OrderedConversion


def handler(event: Event, context: object) -> Any:
    """`{tenant, job_id, attempt, identified, ordered}` to a `ConvertedModel`."""
    at = importing.collected()
    identified, ordered = read(event["identified"], IdentifiedModel), read(event["ordered"], OrderedConversion)

    def work(tenant: str, job_id: str) -> Any:
        return collect_conversion(at, tenant, job_id, identified, ordered)

    return run_step(at.registry, "convert", event, work)

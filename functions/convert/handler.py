"""State `convert`: whatever was recognised becomes ONNX."""

from typing import Any

from msgspec import convert as read

from aimass import bootstrap
from aimass.protocols.states import Event, run_step
from aimass.usecases.import_model import convert
from aimass.usecases.import_results import IdentifiedModel


def handler(event: Event, context: object) -> Any:
    """`{tenant, job_id, attempt, identified}` to a `ConvertedModel`."""
    identified = read(event["identified"], IdentifiedModel)
    return run_step(bootstrap.registry(), "convert", event, lambda tenant, job_id: convert(identified))

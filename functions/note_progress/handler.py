"""A conversion's job says how far it is: a line in the log of its import."""

from typing import Any

from aimass import bootstrap
from aimass.protocols.states import Event
from aimass.usecases.conversion_progress import note_progress


def handler(event: Event, context: object) -> Any:
    """An `Object Created` event of S3 to whether it was of a conversion's progress."""
    return note_progress(bootstrap.registry(), event["detail"]["object"]["key"], event["time"])

"""The job of a conversion, or of a compression, says how far it is: a line in the log of what it is for."""

from typing import Any

from aimass.bootstrap import stores
from aimass.protocols.states import Event
from aimass.usecases.compression_progress import note_compression
from aimass.usecases.conversion_progress import note_progress


def handler(event: Event, context: object) -> Any:
    """An `Object Created` event of S3 to whether it was of a job's progress."""
    registry, key, moment = stores.registry(), event["detail"]["object"]["key"], event["time"]
    return note_progress(registry, key, moment) or note_compression(registry, key, moment)

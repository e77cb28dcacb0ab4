"""Examples arrived in the uploads bucket: the compression that waits for them starts, once."""

from typing import Any

from aimass.bootstrap import compressing
from aimass.protocols.arrivals import start_arrived
from aimass.usecases.compressions import start_compression


def handler(event: dict[str, Any], context: Any) -> Any:
    """A queue's messages to those that must come again."""
    return start_arrived(event, context, lambda arrived: start_compression(compressing.compressions(), arrived))

"""Objects arrived in the uploads bucket: the import of each starts, once."""

from typing import Any

from aimass.bootstrap import importing
from aimass.protocols.arrivals import start_arrived
from aimass.usecases.start_import import start_import


def handler(event: dict[str, Any], context: Any) -> Any:
    """A queue's messages to those that must come again."""
    return start_arrived(event, context, lambda arrived: start_import(importing.imports(), arrived))

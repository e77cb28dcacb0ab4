"""Calls a second: the limit that the authorizer hands on with each call, held where the call arrives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

Response = TypeVar("Response")


class Meter(Protocol):
    """Counts calls. Raises TooManyCalls."""

    def admit(self, tenant: str, limit: int) -> None: ...


def admit(event: dict[str, Any], open_meter: Callable[[], Meter]) -> None:
    """Counts the call in an HTTP API event; without a limit the meter is never opened. Raises TooManyCalls.

    The limit is taken out of the event: whoever the call is forwarded to does not count it again.
    """
    authorized = (event["requestContext"].get("authorizer") or {}).get("lambda") or {}
    limit = authorized.pop("calls_per_second", None)
    if limit is not None:
        open_meter().admit(authorized["tenant"], int(limit))


def metered(open_meter: Callable[[], Meter]) -> Callable[[Any, Callable[[Any], Response]], Response]:
    """A middleware that counts each call of the control plane. Raises TooManyCalls."""

    def count(app: Any, next_middleware: Callable[[Any], Response]) -> Response:
        admit(app.current_event.raw_event, open_meter)
        return next_middleware(app)

    return count

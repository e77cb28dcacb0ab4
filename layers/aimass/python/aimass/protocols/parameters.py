"""Query parameters that a route does not have: a misspelled condition must not go unheard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from aimass.domain.errors import InvalidArguments

Response = TypeVar("Response")


def known_parameters(app: Any, next_middleware: Callable[[Any], Response]) -> Response:
    """A middleware of the control plane. Raises InvalidArguments naming each unknown parameter and those there are."""
    known = sorted(field.alias for field in app.context["_route"].dependant.query_params)
    sent = app.current_event.raw_event.get("queryStringParameters") or {}
    wrong = sorted(set(sent) - set(known))
    if wrong:
        there_are = f"unknown parameter; there are: {', '.join(known)}" if known else "this call takes no parameters"
        raise InvalidArguments.of_fields({name[:80]: there_are for name in wrong[:10]})
    return next_middleware(app)

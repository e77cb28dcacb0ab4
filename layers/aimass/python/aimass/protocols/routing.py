"""Routes of the data plane: a method, a path template, what answers it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aimass.domain.errors import MethodNotAllowed, RouteNotFound
from aimass.inference.dataplane import Asked, DataPlane, Prediction
from aimass.protocols.http import HttpRequest, HttpResponse

#: Builds the data plane when a route needs it: health routes never do.
OpenDataPlane = Callable[[], DataPlane]


@dataclass(frozen=True)
class Decoded:
    """A call for a prediction: what to run, and how its wire says the answer."""

    asked: Asked
    answer: Callable[[Prediction], HttpResponse]


#: Reads a request: its answer, or the prediction that it asks for.
Handle = Callable[[HttpRequest, Mapping[str, str], OpenDataPlane], HttpResponse | Decoded]


@dataclass(frozen=True)
class Route:
    """One route; `{name}` in its template takes a segment of the path, up to a colon."""

    method: str
    template: str
    handle: Handle
    pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = re.split(r"\{(\w+)\}", self.template)
        pattern = "".join(f"(?P<{part}>[^/:]+)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
        object.__setattr__(self, "pattern", re.compile(pattern))


def find_route(routes: Sequence[Route], request: HttpRequest) -> tuple[Route, Mapping[str, str]]:
    """The route of a request and the path's parts. Raises RouteNotFound or MethodNotAllowed."""
    path = request.path.rstrip("/") or "/"
    found = [(route, match) for route in routes if (match := route.pattern.fullmatch(path))]
    for route, match in found:
        if route.method == request.method:
            return route, match.groupdict()
    if found:
        allow = sorted({route.method for route, _ in found})
        raise MethodNotAllowed(f"{request.path} takes {', '.join(allow)}, not {request.method}", allow=allow)
    raise RouteNotFound(f"no route {request.method} {request.path[:200]}")

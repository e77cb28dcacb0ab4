"""Every protocol of the data plane behind one door: finds the route, answers, says errors as the protocol says them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from aimass.domain.errors import AimassError, InternalError, PredictionOutOfMemory
from aimass.protocols.http import HttpRequest, HttpResponse, check_size
from aimass.protocols.native import routes as native
from aimass.protocols.openinference import routes as openinference
from aimass.protocols.routing import OpenDataPlane, Route, find_route
from aimass.protocols.tfserving import routes as tfserving

_MOST_CHARACTERS = 10_000


@dataclass(frozen=True)
class Wire:
    """A protocol: its routes and its way to say an error."""

    routes: Sequence[Route]
    refuse: Callable[[AimassError, HttpRequest], HttpResponse]


NATIVE = Wire(native.ROUTES, native.refuse)
WIRES = {"v1": Wire(tfserving.ROUTES, tfserving.refuse), "v2": Wire(openinference.ROUTES, openinference.refuse)}


def respond(request: HttpRequest, open_data_plane: OpenDataPlane, report: Callable[[Exception], None]) -> HttpResponse:
    """The response, whatever happens: an unexpected exception goes to `report` and is answered as InternalError."""
    wire = WIRES.get(request.path.split("/")[1] if "/" in request.path else "", NATIVE)
    try:
        route, parts = find_route(wire.routes, request)
        response = route.handle(request, parts, open_data_plane)
        check_size(response)
        return response
    except AimassError as error:
        return _refuse(wire, error, request)
    except MemoryError:
        return _refuse(wire, PredictionOutOfMemory("this call asks for more memory than its function has"), request)
    except Exception as error:  # the last line: an answer in the protocol's shape
        report(error)
        return _refuse(wire, InternalError("something failed on our side; report it with the request id"), request)


def _refuse(wire: Wire, error: AimassError, request: HttpRequest) -> HttpResponse:
    # A name that the caller made up comes back in the text: as much of it as helps.
    error.message = error.message[:_MOST_CHARACTERS]
    if len(json.dumps(error.details)) > _MOST_CHARACTERS:
        error.details = {}
    return replace(wire.refuse(error, request), facts={"code": error.code})

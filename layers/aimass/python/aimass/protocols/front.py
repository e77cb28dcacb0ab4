"""Every protocol of the data plane behind one door: finds the route, answers, says errors as the protocol says them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from aimass.domain.errors import AimassError, InternalError, PredictionOutOfMemory
from aimass.domain.placement import PlacedElsewhere
from aimass.protocols.forward import NO_OTHER_TIERS, OpenOtherTiers, forward
from aimass.protocols.http import HttpRequest, HttpResponse, check_size
from aimass.protocols.native import routes as native
from aimass.protocols.openinference import routes as openinference
from aimass.protocols.routing import Decoded, OpenDataPlane, Route, find_route
from aimass.protocols.tfserving import routes as tfserving

_MOST_CHARACTERS = 10_000


@dataclass(frozen=True)
class Wire:
    """A protocol: its routes and its way to say an error."""

    routes: Sequence[Route]
    refuse: Callable[[AimassError, HttpRequest], HttpResponse]


NATIVE = Wire(native.ROUTES, native.refuse)
WIRES = {"v1": Wire(tfserving.ROUTES, tfserving.refuse), "v2": Wire(openinference.ROUTES, openinference.refuse)}


def respond(
    request: HttpRequest,
    open_data_plane: OpenDataPlane,
    report: Callable[[Exception], None],
    open_other_tiers: OpenOtherTiers = NO_OTHER_TIERS,
    admit: Callable[[], None] = lambda: None,
) -> HttpResponse:
    """The response, whatever happens: an unexpected exception goes to `report` and is answered as InternalError.

    `admit` may refuse the call before anything of it is read.
    """
    wire = WIRES.get(request.path.split("/")[1] if "/" in request.path else "", NATIVE)
    try:
        admit()
        return _answer(wire, request, open_data_plane, open_other_tiers)
    except AimassError as error:
        return _refuse(wire, error, request)
    except MemoryError:
        return _refuse(wire, PredictionOutOfMemory("this call asks for more memory than its function has"), request)
    except Exception as error:  # the last line: an answer in the protocol's shape
        report(error)
        return _refuse(wire, InternalError("something failed on our side; report it with the request id"), request)


def _answer(
    wire: Wire, request: HttpRequest, open_data_plane: OpenDataPlane, open_other_tiers: OpenOtherTiers
) -> HttpResponse:
    started = time.perf_counter()
    route, parts = find_route(wire.routes, request)
    try:
        found = route.handle(request, parts, open_data_plane)
        response = found if isinstance(found, HttpResponse) else _predicted(request, found, open_data_plane, started)
    except PlacedElsewhere as placed:
        tier = placed.tier
    except (PredictionOutOfMemory, MemoryError):
        # More rows than the version was measured with may fit the largest tier.
        largest = open_other_tiers().largest
        if largest is None:
            raise
        tier = largest
    else:
        check_size(response)
        return response
    return forward(tier, open_other_tiers())


def _predicted(request: HttpRequest, call: Decoded, open_data_plane: OpenDataPlane, started: float) -> HttpResponse:
    """Runs a call and says its answer, with `Server-Timing` (W3C) in milliseconds."""
    prediction = open_data_plane().predict(request.owner, call.asked)
    ran = time.perf_counter()
    response = call.answer(prediction)
    ended = time.perf_counter()
    load, run = prediction.timing.load, prediction.timing.run
    spent = {"load": load, "pre": ran - started - load - run, "run": run, "post": ended - ran, "total": ended - started}
    timing = ", ".join(f"{name};dur={seconds * 1000:.3f}" for name, seconds in spent.items())
    return replace(response, headers={**response.headers, "server-timing": timing})


def _refuse(wire: Wire, error: AimassError, request: HttpRequest) -> HttpResponse:
    # A name that the caller made up comes back in the text: as much of it as helps.
    error.message = error.message[:_MOST_CHARACTERS]
    if len(json.dumps(error.details)) > _MOST_CHARACTERS:
        error.details = {}
    response = wire.refuse(error, request)
    headers = dict(response.headers)
    if "retry_after" in error.details:
        headers["retry-after"] = str(error.details["retry_after"])
    return replace(response, headers=headers, facts={"code": error.code})

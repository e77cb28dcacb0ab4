"""Every protocol of the data plane behind one door: finds the route, answers, says errors as the protocol says them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace

from aimass.domain.errors import AimassError, InternalError, PredictionOutOfMemory
from aimass.domain.placement import PlacedElsewhere
from aimass.inference.dataplane import Prediction
from aimass.protocols.batching import Wanted, predict_all, together_with
from aimass.protocols.forward import NO_OTHER_TIERS, OpenOtherTiers, forward
from aimass.protocols.http import HttpRequest, HttpResponse, check_size, coded
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


@dataclass(frozen=True)
class Call:
    """A request and what answering it may take. An unexpected exception goes to `report`.

    `admit` may refuse the call before anything of it is read, `check` its answer.
    """

    request: HttpRequest
    open_data_plane: OpenDataPlane
    report: Callable[[Exception], None]
    open_other_tiers: OpenOtherTiers = NO_OTHER_TIERS
    admit: Callable[[], None] = lambda: None
    check: Callable[[HttpResponse], None] = check_size


#: Reads a request up to the prediction that it asks for, is sent that or the error that came of it, and answers.
_Exchange = Generator[Wanted, Prediction, HttpResponse]


def respond(
    request: HttpRequest,
    open_data_plane: OpenDataPlane,
    report: Callable[[Exception], None],
    open_other_tiers: OpenOtherTiers = NO_OTHER_TIERS,
    admit: Callable[[], None] = lambda: None,
    check: Callable[[HttpResponse], None] = check_size,
) -> HttpResponse:
    """The response, whatever happens: an unexpected exception is answered as InternalError."""
    return respond_all([Call(request, open_data_plane, report, open_other_tiers, admit, check)])[0]


def respond_all(calls: Sequence[Call]) -> list[HttpResponse]:
    """The response to each call; what their versions' descriptions let run together runs together."""
    exchanges = [_exchange(call) for call in calls]
    responses: dict[int, HttpResponse] = {}
    wanted: dict[int, Wanted] = {}
    for at, exchange in enumerate(exchanges):
        try:
            wanted[at] = next(exchange)
        except StopIteration as done:
            responses[at] = done.value
    for at, outcome in zip(wanted, predict_all(list(wanted.values())), strict=True):
        try:
            exchanges[at].throw(outcome) if isinstance(outcome, Exception) else exchanges[at].send(outcome)
        except StopIteration as done:
            responses[at] = done.value
    return [responses[at] for at in range(len(calls))]


def _exchange(call: Call) -> _Exchange:
    request = call.request
    wire = WIRES.get(request.path.split("/")[1] if "/" in request.path else "", NATIVE)
    try:
        call.admit()
        return (yield from _answer(wire, call))
    except AimassError as error:
        return _refuse(wire, error, request)
    except MemoryError:
        return _refuse(wire, PredictionOutOfMemory("this call asks for more memory than its function has"), request)
    except Exception as error:  # the last line: an answer in the protocol's shape
        call.report(error)
        return _refuse(wire, InternalError("something failed on our side; report it with the request id"), request)


def _answer(wire: Wire, call: Call) -> _Exchange:
    started = time.perf_counter()
    route, parts = find_route(wire.routes, call.request)
    try:
        found = route.handle(call.request, parts, call.open_data_plane)
        response = found if isinstance(found, HttpResponse) else (yield from _predicted(call, found, started))
    except PlacedElsewhere as placed:
        tier = placed.tier
    except (PredictionOutOfMemory, MemoryError):
        # More rows than the version was measured with may fit the largest tier.
        largest = call.open_other_tiers().largest
        if largest is None:
            raise
        tier = largest
    else:
        response = coded(response, call.request)
        call.check(response)
        return response
    return forward(tier, call.open_other_tiers())


def _predicted(call: Call, found: Decoded, started: float) -> _Exchange:
    """Has a call run and says its answer, with `Server-Timing` (W3C) in milliseconds."""
    prediction = yield Wanted(call.request.owner, found.asked, call.open_data_plane())
    ran = time.perf_counter()
    response = found.answer(prediction)
    ended = time.perf_counter()
    load, run = prediction.timing.load, prediction.timing.run
    spent = {"load": load, "pre": ran - started - load - run, "run": run, "post": ended - ran, "total": ended - started}
    timing = ", ".join(f"{name};dur={seconds * 1000:.3f}" for name, seconds in spent.items())
    headers = {**response.headers, "server-timing": timing}
    return replace(response, headers=headers, batching=together_with(found.asked))


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

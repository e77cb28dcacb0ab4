"""The data plane on the CPU: every protocol that predicts. One handler for every memory tier."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aimass.bootstrap import predicting, resources, tenancy
from aimass.inference.memory import limit_memory
from aimass.protocols.front import Call, respond_all
from aimass.protocols.http import HttpResponse, proxy_answer, request_of
from aimass.protocols.log_line import log_line
from aimass.protocols.metered import admit

if TYPE_CHECKING:
    from aimass.protocols.forward import OtherTiers
    from aimass.usecases.predict import Predictor

_ANSWER_SECONDS = 1.5  # a call that answers too late is killed, and its open models with it
_SERVICE = os.environ.get("POWERTOOLS_SERVICE_NAME", "service_undefined")

if "AWS_LAMBDA_FUNCTION_MEMORY_SIZE" in os.environ:
    limit_memory(int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]))
if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
    predicting.prepare_snapshot()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An HTTP API event (payload 2.0) to its answer: this tier's, or that of the tier where the version is placed.

    On one machine the runtime may hand over several at once, `{"calls": [event, ...]}`, for `{"answers": [...]}`.
    """
    if "calls" in event:
        return {"answers": _answers(event["calls"], context)}
    return _answers([event], context)[0]


def _answers(events: list[dict[str, Any]], context: Any) -> list[dict[str, Any]]:
    started = time.perf_counter()
    calls = [_call(event, context) for event in events]
    responses = respond_all(calls)
    ms = round((time.perf_counter() - started) * 1000, 2)
    told = [_told(call, response, ms) for call, response in zip(calls, responses, strict=True)]
    told[-1] |= predicting.held_models_news()
    sys.stdout.write("".join(log_line(_SERVICE, one) for one in told))
    return [_answer(response) for response in responses]


def _told(call: Call, response: HttpResponse, ms: float) -> dict[str, Any]:
    """What the log says of a call."""
    request = call.request
    who = {"request_id": request.request_id, "tenant": request.tenant, "method": request.method}
    return {**who, "status": response.status, "ms": ms, **response.facts}


def _call(event: dict[str, Any], context: Any) -> Call:
    request = request_of(event)

    def seconds_left() -> float:
        left: float = context.get_remaining_time_in_millis() / 1000 - _ANSWER_SECONDS
        return left

    def data_plane() -> Predictor:
        return predicting.predictor().within(seconds_left())

    def other_tiers() -> OtherTiers:
        return predicting.other_tiers().for_call(event, seconds_left)

    def count() -> None:
        admit(event, tenancy.call_meter)

    def report(error: Exception) -> None:
        from aws_lambda_powertools import Logger  # its import takes as long as numpy's: nothing but a fault needs it

        Logger(level="INFO").exception("fault", request_id=request.request_id)

    return Call(request, data_plane, report, other_tiers, count)


def _answer(response: HttpResponse) -> dict[str, Any]:
    answer = proxy_answer(response)
    if response.batching and resources.machine_cores():
        answer["batching"] = asdict(response.batching)
    return answer

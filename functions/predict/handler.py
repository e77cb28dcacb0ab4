"""The data plane on the CPU: every protocol that predicts. One handler for every memory tier."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from aimass import bootstrap
from aimass.inference.memory import limit_memory
from aimass.protocols.front import respond
from aimass.protocols.http import proxy_answer, request_of
from aimass.protocols.metered import admit

if TYPE_CHECKING:
    from aimass.protocols.forward import OtherTiers
    from aimass.usecases.predict import Predictor

_ANSWER_SECONDS = 1.5  # a call that answers too late is killed, and its open models with it
logger = Logger(level="INFO")

if "AWS_LAMBDA_FUNCTION_MEMORY_SIZE" in os.environ:
    limit_memory(int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]))
if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
    bootstrap.prepare_snapshot()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An HTTP API event (payload 2.0) to its answer: this tier's, or that of the tier where the version is placed."""
    started = time.perf_counter()
    request = request_of(event)

    def seconds_left() -> float:
        left: float = context.get_remaining_time_in_millis() / 1000 - _ANSWER_SECONDS
        return left

    def data_plane() -> Predictor:
        return bootstrap.predictor().within(seconds_left())

    def other_tiers() -> OtherTiers:
        return bootstrap.other_tiers().for_call(event, seconds_left)

    def count() -> None:
        admit(event, bootstrap.call_meter)

    response = respond(request, data_plane, lambda error: _report(request.request_id), other_tiers, count)
    logger.info(
        "answered",
        request_id=request.request_id,
        tenant=request.tenant,
        method=request.method,
        status=response.status,
        ms=round((time.perf_counter() - started) * 1000, 2),
        **response.facts,
    )
    return proxy_answer(response)


def _report(request_id: str) -> None:
    logger.exception("fault", request_id=request_id)

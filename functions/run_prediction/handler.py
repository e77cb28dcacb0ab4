"""Bodies of prediction jobs arrived: each call is made, and its answer kept, once."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from aimass.bootstrap import predicting, prediction_jobs
from aimass.domain.jobs import Failure, Job
from aimass.inference.jsontext import answer_at_most
from aimass.inference.memory import limit_memory
from aimass.protocols.front import respond
from aimass.protocols.http import HttpRequest, HttpResponse
from aimass.usecases.run_prediction import STEP, Answered, ArrivedInput, pinned, run_prediction

if TYPE_CHECKING:
    from aimass.usecases.predict import Predictor

_MOST_ELEMENTS = 50_000_000  # of an output as JSON: some 500 MB of text
_SPARE_SECONDS = 60  # to store the answer and to say that the job has ended
logger = Logger(level="INFO")
batch = BatchProcessor(event_type=EventType.SQS)

if "AWS_LAMBDA_FUNCTION_MEMORY_SIZE" in os.environ:
    limit_memory(int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]))
answer_at_most(_MOST_ELEMENTS)


def handler(event: dict[str, Any], context: Any) -> Any:
    """One message that holds EventBridge's `Object Created` event. Raises BatchProcessingError to get it again."""

    def run(record: SQSRecord) -> str | None:
        arrived = _arrived(record)
        _, _, tenant, job_id = arrived.key.split("/", 3)

        def answer(job: Job, body: bytes) -> Answered:
            return _answered(job, tenant, body, context.get_remaining_time_in_millis() / 1000 - _SPARE_SECONDS)

        try:
            state = run_prediction(prediction_jobs.prediction_runs(), arrived, answer)
        except Exception:
            logger.exception("not run", job_id=job_id)
            raise
        logger.info("ran", tenant=tenant, job_id=job_id, state=state)
        return state

    return process_partial_response(event, run, batch, context)


def _arrived(record: SQSRecord) -> ArrivedInput:
    found = record.json_body["detail"]["object"]
    return ArrivedInput(found["key"], found["version-id"], int(record.attributes.approximate_receive_count))


def _answered(job: Job, tenant: str, body: bytes, seconds: float) -> Answered:
    """The answer of `POST /predict/{model}`, as large as it may be."""
    assert job.call is not None
    request = HttpRequest("POST", f"/predict/{job.model}", job.call.query, job.call.headers, body, tenant, job.id)

    def data_plane() -> Predictor:
        plane = predicting.predictor().within(seconds)
        return plane.finding(pinned(plane.find_version, job))

    response = respond(request, data_plane, lambda _: logger.exception("fault", job_id=job.id), check=_any_size)
    failure = None if response.status < 400 else _failure(response)
    return Answered(response.status, response.headers, response.body, failure)


def _any_size(response: HttpResponse) -> None:
    """No call has to carry it."""


def _failure(response: HttpResponse) -> Failure:
    """What the wire's error says."""
    code, message, details = "internal_error", "the call was refused", {}
    with suppress(ValueError, KeyError):
        told = json.loads(response.body)
        code, message, details = told["code"], told["error"], told["details"]
    return Failure(STEP, code, message, details)

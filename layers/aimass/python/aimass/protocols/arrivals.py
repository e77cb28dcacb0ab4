"""What EventBridge tells of objects that were put into a bucket, as a queue hands it on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from aimass.usecases.start_import import ArrivedObject

logger = Logger(level="INFO")
batch = BatchProcessor(event_type=EventType.SQS)


def start_arrived(event: dict[str, Any], context: Any, start: Callable[[ArrivedObject], str | None]) -> Any:
    """Messages that hold EventBridge's `Object Created` events to those that must come again.

    Raises BatchProcessingError if all must, so that this counts as a failed call.
    """

    def started(record: SQSRecord) -> str | None:
        try:
            return start(_arrived_object(record.json_body))
        except Exception:
            logger.exception("not started", message_id=record.message_id)
            raise

    return process_partial_response(event, started, batch, context)


def _arrived_object(event: dict[str, Any]) -> ArrivedObject:
    """Of an `Object Created` event. Raises KeyError for any other."""
    bucket, found = event["detail"]["bucket"], event["detail"]["object"]
    return ArrivedObject(bucket["name"], found["key"], found["version-id"], found["size"], event["time"])

"""Objects arrived in the uploads bucket: the import of each starts, once."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from aimass import bootstrap
from aimass.protocols.arrivals import arrived_object
from aimass.usecases.start_import import start_import

logger = Logger(level="INFO")
batch = BatchProcessor(event_type=EventType.SQS)


def handler(event: dict[str, Any], context: Any) -> Any:
    """Messages that hold EventBridge's `Object Created` events to those that must come again.

    Raises BatchProcessingError if all must, so that this counts as a failed call.
    """
    return process_partial_response(event, _start, batch, context)


def _start(record: SQSRecord) -> str | None:
    try:
        return start_import(bootstrap.imports(), arrived_object(record.json_body))
    except Exception:
        logger.exception("not started", message_id=record.message_id)
        raise

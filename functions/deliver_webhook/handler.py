"""Prediction jobs have ended: their receivers are told, again and again for a while where they don't answer."""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools import Logger

from aimass.bootstrap import prediction_jobs, stores
from aimass.protocols.control import job_view
from aimass.usecases.webhooks import Announced, deliver

logger = Logger(level="INFO")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Messages `{tenant, job_id, attempt}` to those that come again, each hidden until its next try is due."""
    at, queue, again = prediction_jobs.deliveries(job_view), stores.webhook_queue(), []
    for record in event["Records"]:
        announced = Announced(**json.loads(record["body"]), tries=int(record["attributes"]["ApproximateReceiveCount"]))
        pause = deliver(at, announced)
        logger.info("told", tenant=announced.tenant, job_id=announced.job_id, tries=announced.tries, next_in=pause)
        if pause is not None:
            queue.again_in(record["receiptHandle"], pause)
            again.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": again}

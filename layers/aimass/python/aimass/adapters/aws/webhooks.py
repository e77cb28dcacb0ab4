"""Webhooks on AWS: a tenant's secret in the table (`WEBHOOK`), and the queue that they are sent from."""

from __future__ import annotations

import json
from typing import Any

from aimass.adapters.aws.items import value_of
from aimass.adapters.aws.registry.table import TenantTable
from aimass.adapters.aws.transactions import transact
from aimass.domain.webhooks import WebhookSecret

_SECRET = "WEBHOOK"  # noqa: S105 the item's sort key
# Told of before the job's end is written, which takes a moment.
_DELAY_SECONDS = 1


class DynamoWebhookSecrets(TenantTable):
    """The port `WebhookSecrets` on one DynamoDB table."""

    def find(self, tenant: str) -> WebhookSecret | None:
        """The tenant's secret, if it has one."""
        item = self._get(tenant, _SECRET)
        return value_of(item, WebhookSecret) if item else None

    def keep(self, tenant: str, secret: WebhookSecret) -> None:
        """Replaces it."""
        transact(self._client, self._put(tenant, _SECRET, secret))


class SqsWebhookQueue:
    """The port `WebhookQueue` on one queue."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def announce(self, tenant: str, job_id: str, attempt: int) -> None:
        """Has the webhook of a job's attempt sent, once that has ended."""
        message = {"tenant": tenant, "job_id": job_id, "attempt": attempt}
        self._client.send_message(QueueUrl=self._url, MessageBody=json.dumps(message), DelaySeconds=_DELAY_SECONDS)

    def again_in(self, receipt: str, seconds: int) -> None:
        """Hides a message that was received for so long, at most 12 hours."""
        self._client.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds)

"""Call counters in DynamoDB: `calls#<tenant>#<second>`, gone a minute later."""

from __future__ import annotations

import logging
from typing import Any

_KEPT_SECONDS = 60
logger = logging.getLogger(__name__)


class DynamoCallCounter:
    """The port `CallCounter` on the idempotency table."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def add(self, tenant: str, second: int, calls: int) -> int:
        """Adds calls, and returns the sum over all environments; `calls` alone where the table can't be reached.

        Counting must not stop what it counts: each environment then holds the tenant to its limit by itself.
        """
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key={"id": {"S": f"calls#{tenant}#{second}"}},
                UpdateExpression="ADD #calls :calls SET expiration = :expiration",
                ExpressionAttributeNames={"#calls": "calls"},
                ExpressionAttributeValues={
                    ":calls": {"N": str(calls)},
                    ":expiration": {"N": str(second + _KEPT_SECONDS)},
                },
                ReturnValues="UPDATED_NEW",
            )
        except _aws_errors() as error:
            logger.warning("calls were not counted: %s", type(error).__name__)
            return calls
        return int(answer["Attributes"]["calls"]["N"])


def _aws_errors() -> tuple[type[Exception], ...]:
    # Asked for once there is one: importing them takes a cold start 15 ms.
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError

"""DynamoDB transactions whose failed conditions are domain errors."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aimass.adapters.aws.items import attribute
from aimass.domain.errors import AimassError, Busy

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_TRIES = 8
_MOST_SECONDS = 1.0  # between two tries: 5 s at most in all, half of that on average
# They pass: another transaction holds an item, or a partition has more writes than it takes.
_PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}


@dataclass(frozen=True)
class Write:
    """One write of a transaction, and the error that its failed condition means."""

    operation: str
    table: str
    body: dict[str, Any]
    condition: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    error: AimassError | None = None

    def otherwise(self, error: AimassError) -> Write:
        """The same write, raising `error` when its condition fails."""
        return replace(self, error=error)

    def request(self) -> dict[str, Any]:
        """The write as TransactWriteItems takes it."""
        body = {"TableName": self.table, **self.body}
        used = f"{self.condition} {self.body.get('UpdateExpression', '')}"
        names = self.names | ({"#state": "state"} if "#state" in used else {})
        if self.condition:
            body["ConditionExpression"] = self.condition
        if self.values:
            body["ExpressionAttributeValues"] = {name: attribute(value) for name, value in self.values.items()}
        if names:
            body["ExpressionAttributeNames"] = names
        return {self.operation: body}


def transact(client: Any, *writes: Write) -> None:
    """Does all writes or none. Raises the first failed condition's error, or Busy when others stay in the way."""
    request = [write.request() for write in writes]
    for attempt in range(_TRIES):
        try:
            client.transact_write_items(TransactItems=request)
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            _raise_failed_condition(writes, error)
            time.sleep(random.uniform(0, min(_MOST_SECONDS, 0.05 * 2**attempt)))  # noqa: S311 jitter is no secret
        else:
            return
    raise Busy("other changes were under way; try again in a moment", retry_after=1)


def _raise_failed_condition(writes: tuple[Write, ...], error: ClientError) -> None:
    """Returns only where what was in the way passes."""
    reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
    for write, reason in zip(writes, reasons, strict=False):
        if reason == "ConditionalCheckFailed" and write.error:
            raise write.error from error
    if _PASSING.isdisjoint(reasons):
        raise error

"""Which artifacts are wanted: `ART#<sha256>` says when last, `REF#<sha256>#<m>#<000001>` by which version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from botocore.exceptions import ClientError

from aimass.adapters.aws.registry.table import TenantTable, key
from aimass.adapters.aws.transactions import Write, transact
from aimass.domain.clock import later, now
from aimass.domain.errors import ArtifactBusy

# A sweep ends within Lambda's 15 minutes: the sweep that left an older mark is dead.
MARK_MINUTES = 15
_WRITES_AT_ONCE = 100  # what a transaction takes
_UNMARKED = "(attribute_not_exists(#state) OR marked_at <= :dead)"


class DynamoArtifactIndex(TenantTable):
    """The port `ArtifactIndex` on one DynamoDB table."""

    def __init__(self, client: Any, table: str, clock: Callable[[], str] = now) -> None:
        super().__init__(client, table)
        self._clock = clock

    def touch(self, tenant: str, sha256: str) -> None:
        """Notes that the artifact is wanted now. Raises ArtifactBusy while a sweep deletes it."""
        expression = "SET touched_at = :now REMOVE #state, marked_at"
        if not self._marked(tenant, sha256, expression, _UNMARKED, {}):
            text = f"artifact {sha256} is being swept; try again in a moment"
            raise ArtifactBusy(text, sha256=sha256, retry_after=1)

    def refer(self, tenant: str, model: str, version: int, digests: Iterable[str]) -> None:
        """Notes that the version uses these artifacts. Saying it twice is fine."""
        keys = _reference_keys(model, version, digests)
        self._write(self._put(tenant, reference, {}) for reference in keys)

    def unrefer(self, tenant: str, model: str, version: int, digests: Iterable[str]) -> None:
        """Forgets that the version uses these artifacts."""
        keys = _reference_keys(model, version, digests)
        self._write(self._delete(tenant, reference) for reference in keys)

    def references(self, tenant: str, sha256: str) -> Sequence[tuple[str, int]]:
        """Model and number of every version that was said to use the artifact."""
        items = self._query(tenant, f"REF#{sha256}#")
        found = (item["SK"]["S"].split("#") for item in items)
        return [(model, int(number)) for _, _, model, number in found]

    def mark_deleting(self, tenant: str, sha256: str, unwanted_since: str) -> bool:
        """Marks the artifact, unless it was wanted at or after that moment or another sweep is at it."""
        condition = f"(attribute_not_exists(touched_at) OR touched_at < :since) AND {_UNMARKED}"
        values = {":since": {"S": unwanted_since}, ":deleting": {"S": "deleting"}}
        return self._marked(tenant, sha256, "SET #state = :deleting, marked_at = :now", condition, values)

    def forget(self, tenant: str, sha256: str) -> None:
        """Ends the mark of an artifact that is deleted; one that is wanted again stays known."""
        condition, values = "#state = :deleting", {":deleting": {"S": "deleting"}}
        try:
            self._client.delete_item(**self._conditional(tenant, sha256, condition, values))
        except ClientError as error:
            _only_condition(error)

    def _marked(self, tenant: str, sha256: str, expression: str, condition: str, values: dict[str, Any]) -> bool:
        moment = self._clock()
        values = values | {":now": {"S": moment}, ":dead": {"S": later(moment, minutes=-MARK_MINUTES)}}
        try:
            self._client.update_item(
                **self._conditional(tenant, sha256, condition, values), UpdateExpression=expression
            )
        except ClientError as error:
            _only_condition(error)
            return False
        return True

    def _conditional(self, tenant: str, sha256: str, condition: str, values: dict[str, Any]) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": key(tenant, f"ART#{sha256}"),
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": values,
        }

    def _write(self, writes: Iterator[Write]) -> None:
        listed = list(writes)
        for start in range(0, len(listed), _WRITES_AT_ONCE):
            transact(self._client, *listed[start : start + _WRITES_AT_ONCE])


def _reference_keys(model: str, version: int, digests: Iterable[str]) -> list[str]:
    return [f"REF#{sha256}#{model}#{version:06d}" for sha256 in sorted(set(digests))]


def _only_condition(error: ClientError) -> None:
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        raise error

"""API keys in the table: `PK=KEY#<sha256 of the key>`. The key itself is never stored."""

from __future__ import annotations

from typing import Any


class DynamoApiKeys:
    """The port `ApiKeys` on one DynamoDB table."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def tenant_of(self, key_hash: str) -> str | None:
        """The tenant that the key opens, or None."""
        answer = self._client.get_item(TableName=self._table, Key=_key(key_hash))
        item = answer.get("Item")
        return item["tenant"]["S"] if item else None

    def add(self, tenant: str, key_hash: str, created_at: str) -> None:
        """Lets the key open the tenant's data."""
        item = _key(key_hash) | {"tenant": {"S": tenant}, "created_at": {"S": created_at}}
        self._client.put_item(TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(PK)")


def _key(key_hash: str) -> dict[str, Any]:
    return {"PK": {"S": f"KEY#{key_hash}"}, "SK": {"S": "KEY"}}

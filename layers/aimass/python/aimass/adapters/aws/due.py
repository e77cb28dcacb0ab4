"""Reminders of all tenants under `PK=DUE`, sorted by date; the registry's transactions leave them there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimass.adapters.aws.items import value_of
from aimass.adapters.aws.registry.due import due_key
from aimass.domain.model import Due


class DynamoDueList:
    """The port `DueList` on one DynamoDB table."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def due(self, moment: str) -> Iterator[Due]:
        """What is due before the moment, the oldest first."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="PK = :due AND SK < :moment",
            ExpressionAttributeValues={":due": {"S": "DUE"}, ":moment": {"S": moment}},
            ConsistentRead=True,
        )
        for page in pages:
            for item in page["Items"]:
                yield value_of(item, Due)

    def done(self, due: Due) -> None:
        """Takes the reminder away."""
        self._client.delete_item(TableName=self._table, Key={"PK": {"S": "DUE"}, "SK": {"S": due_key(due)}})

"""Reads, pages and conditional writes within one tenant's partition."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aimass.adapters.aws.items import Item, attribute, item_of, value_of
from aimass.adapters.aws.transactions import Write
from aimass.domain.errors import InvalidArguments
from aimass.domain.ports import Page, PageRequest

Value = TypeVar("Value")
_QUERIES_A_PAGE = 10  # a filter may drop all that a query reads; a page then comes short rather than late
_FILTERED_A_QUERY = 100  # as `Limit` counts what is read, not what passes


@dataclass(frozen=True)
class Filter:
    """A condition on what a query has read, with its names and values."""

    expression: str
    values: Mapping[str, Any]
    names: Mapping[str, str] = field(default_factory=dict)


class TenantTable:
    """One DynamoDB table; every key is `T#<tenant>` and a sort key."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def _get(self, tenant: str, sort_key: str) -> Item | None:
        answer = self._client.get_item(TableName=self._table, Key=key(tenant, sort_key), ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    def _query(
        self, tenant: str, prefix: str, *, newest_first: bool = False, page: int | None = None
    ) -> Iterator[Item]:
        query = self._under(tenant, prefix) | {"ScanIndexForward": not newest_first} | ({"Limit": page} if page else {})
        while True:
            answer = self._client.query(**query)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _page(
        self,
        tenant: str,
        prefix: str,
        kind: type[Value],
        request: PageRequest,
        *,
        newest_first: bool = False,
        only: Filter | None = None,
        attributes: tuple[str, ...] = (),
    ) -> Page[Value]:
        """One page of what is under the prefix. Raises InvalidArguments for a token that isn't of this list."""
        query = self._under(tenant, prefix) | {"ScanIndexForward": not newest_first}
        _project(query, attributes)
        if only:
            _filter(query, only)
        start = _start(request.token, prefix)
        found: list[Item] = []
        for _ in range(_QUERIES_A_PAGE):
            if start:
                query["ExclusiveStartKey"] = key(tenant, start)
            wanted = request.limit - len(found)
            answer = self._client.query(**query, Limit=max(wanted, _FILTERED_A_QUERY) if only else wanted)
            found += answer["Items"]
            start = answer.get("LastEvaluatedKey", {}).get("SK", {}).get("S")
            if start is None or len(found) >= request.limit:
                break
        if len(found) > request.limit:
            found = found[: request.limit]
            start = found[-1]["SK"]["S"]
        return Page(tuple(value_of(item, kind) for item in found), _token(start))

    def _under(self, tenant: str, prefix: str) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "KeyConditionExpression": "PK = :pk AND begins_with(SK, :prefix)",
            "ExpressionAttributeValues": {":pk": {"S": f"T#{tenant}"}, ":prefix": {"S": prefix}},
            "ConsistentRead": True,
        }

    def _put(
        self,
        tenant: str,
        sort_key: str,
        value: Any,
        condition: str = "",
        values: dict[str, Any] | None = None,
        *,
        new: bool = False,
    ) -> Write:
        item = item_of(value, PK=f"T#{tenant}", SK=sort_key)
        return Write("Put", self._table, {"Item": item}, "attribute_not_exists(SK)" if new else condition, values or {})

    def _update(
        self,
        tenant: str,
        sort_key: str,
        expression: str,
        condition: str,
        values: dict[str, Any],
        names: dict[str, str] | None = None,
    ) -> Write:
        body = {"Key": key(tenant, sort_key), "UpdateExpression": expression}
        return Write("Update", self._table, body, condition, values, names or {})

    def _delete(self, tenant: str, sort_key: str) -> Write:
        return Write("Delete", self._table, {"Key": key(tenant, sort_key)})


def key(tenant: str, sort_key: str) -> Item:
    return {"PK": {"S": f"T#{tenant}"}, "SK": {"S": sort_key}}


def version_key(model: str, number: int) -> str:
    return f"VER#{model}#{number:06d}"


def _project(query: dict[str, Any], attributes: tuple[str, ...]) -> None:
    if attributes:
        names = {f"#a{index}": name for index, name in enumerate((*attributes, "SK"))}
        query["ProjectionExpression"] = ", ".join(names)
        query["ExpressionAttributeNames"] = names


def _filter(query: dict[str, Any], only: Filter) -> None:
    query["FilterExpression"] = only.expression
    if only.values:
        query["ExpressionAttributeValues"] |= {name: attribute(value) for name, value in only.values.items()}
    if only.names:
        query["ExpressionAttributeNames"] = query.get("ExpressionAttributeNames", {}) | dict(only.names)


def _token(sort_key: str | None) -> str | None:
    return base64.urlsafe_b64encode(sort_key.encode()).decode().rstrip("=") if sort_key else None


def _start(token: str | None, prefix: str) -> str | None:
    if token is None:
        return None
    try:
        start = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        start = ""
    if not start.startswith(prefix) or len(start.encode()) > 1024:
        raise InvalidArguments.of_fields({"next_token": "is not one that this list gave"})
    return start

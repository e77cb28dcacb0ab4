"""Queries of a part of a large partition: MiniStack sorts and evaluates every item of it, at 0.1 ms each."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

HIGHEST = "\U0010ffff"
NAME, VALUE = r"\s*([#\w]+)\s*", r"\s*(:\w+)\s*"
# The sort key's condition, after `PK = :pk AND`; what is written otherwise is left to MiniStack.
WHOLE = re.compile(rf"{NAME}={VALUE}AND (.+)", re.IGNORECASE | re.DOTALL)
BEGINS = re.compile(rf"\s*begins_with\s*\({NAME},{VALUE}\)\s*", re.IGNORECASE)
BETWEEN = re.compile(rf"{NAME}BETWEEN{VALUE}AND{VALUE}", re.IGNORECASE)
COMPARED = re.compile(rf"{NAME}(<=|>=|<|>|=){VALUE}")

Item = dict[str, Any]


@dataclass(frozen=True)
class Bounds:
    """What a sort key called `name` may be; None has no bound on that side."""

    name: str
    low: str | None = None
    high: str | None = None
    with_low: bool = True
    with_high: bool = True

    def within(self, ordered: list[str]) -> tuple[int, int]:
        first = last = None
        if self.low is not None:
            first = (bisect_left if self.with_low else bisect_right)(ordered, self.low)
        if self.high is not None:
            last = (bisect_right if self.with_high else bisect_left)(ordered, self.high)
        return first or 0, len(ordered) if last is None else last


@dataclass(frozen=True)
class Span:
    """Of the sort keys within bounds, `limit` in an order, after `start`."""

    bounds: Bounds
    forward: bool
    limit: int | None
    start: str | None

    def keys(self, ordered: list[str]) -> Iterator[str]:
        first, last = self.bounds.within(ordered)
        if self.forward:
            if self.start is not None:
                first = max(first, bisect_right(ordered, self.start))
            return (ordered[index] for index in range(first, last))
        if self.start is not None:
            last = min(last, bisect_left(ordered, self.start))
        return (ordered[index] for index in range(last - 1, first - 1, -1))


_asked: ContextVar[Span | None] = ContextVar("asked", default=None)


class Partition(dict[str, Item]):
    """Items by sort key, which are also kept in order; while a span is asked for, its values are those of one page."""

    page_bytes = 2**20

    def __init__(self, items: Mapping[str, Item] | None = None) -> None:
        super().__init__(items or {})
        self._ordered = sorted(self)

    def __setitem__(self, key: str, item: Item) -> None:
        if key not in self:
            insort(self._ordered, key)
        super().__setitem__(key, item)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        del self._ordered[bisect_left(self._ordered, key)]

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Item]:
        return {key: deepcopy(item, memo) for key, item in self.items()}

    def pop(self, key: str, *default: Any) -> Any:
        if key not in self:
            return super().pop(key, *default)
        item = self[key]
        del self[key]
        return item

    def values(self) -> Any:
        span = _asked.get()
        return super().values() if span is None else list(self._page(span))

    def _page(self, span: Span) -> Iterator[Item]:
        """Up to the limit, and one item more than fits a page, by which MiniStack sees that there is more."""
        read = 0
        for count, key in enumerate(span.keys(self._ordered), 1):
            yield self[key]
            read += size_at_least(self[key])
            if read > self.page_bytes or count == span.limit:
                return


def narrow_queries() -> None:
    from ministack.services import dynamodb

    query = dynamodb._query

    def narrowed(data: dict[str, Any]) -> Any:
        table = dynamodb._tables.get(dynamodb._normalize_table_name(data.get("TableName") or "")) or {}
        span = span_of(data)
        token = _asked.set(span if span and span.bounds.name == table.get("sk_name") else None)
        try:
            return query(data)
        finally:
            _asked.reset(token)

    dynamodb._query = narrowed


def size_at_least(value: Any) -> int:
    """Bytes of an item's names and texts: not more than DynamoDB counts."""
    if isinstance(value, dict):
        return sum((len(name) if len(name) > 2 else 0) + size_at_least(inner) for name, inner in value.items())
    if isinstance(value, list):
        return sum(size_at_least(inner) for inner in value)
    return len(value) // 2 if isinstance(value, str) else 1


def span_of(data: dict[str, Any]) -> Span | None:
    """What part of its partition a Query of the table itself asks for; None where that isn't plain."""
    condition = str(data.get("KeyConditionExpression", "")).strip()
    if condition.startswith("(") and condition.endswith(")"):  # as boto3 writes it
        condition = condition[1:-1]
    whole = WHOLE.fullmatch(condition)
    if not whole or data.get("IndexName"):
        return None
    names, values = data.get("ExpressionAttributeNames") or {}, data.get("ExpressionAttributeValues") or {}
    bounds = _bounds(whole[3], names, lambda name: (values.get(name) or {}).get("S"))
    limit, start = data.get("Limit"), data.get("ExclusiveStartKey") or {}
    if bounds is None or not isinstance(limit, int | None):
        return None
    after = (start.get(bounds.name) or {}).get("S")
    return None if start and after is None else Span(bounds, data.get("ScanIndexForward") is not False, limit, after)


def _bounds(condition: str, names: Mapping[str, str], text: Callable[[str], str | None]) -> Bounds | None:
    if begins := BEGINS.fullmatch(condition):
        prefix = text(begins[2])
        return None if prefix is None else Bounds(names.get(begins[1], begins[1]), prefix, prefix + HIGHEST)
    if between := BETWEEN.fullmatch(condition):
        low, high = text(between[2]), text(between[3])
        return None if low is None or high is None else Bounds(names.get(between[1], between[1]), low, high)
    compared = COMPARED.fullmatch(condition)
    value = text(compared[3]) if compared else None
    if compared is None or value is None:
        return None
    sign = compared[2]
    low, high = (value if sign in kinds else None for kinds in ((">", ">=", "="), ("<", "<=", "=")))
    return Bounds(names.get(compared[1], compared[1]), low, high, sign != ">", sign != "<")

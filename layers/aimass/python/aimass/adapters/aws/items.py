"""Domain values as DynamoDB items and back. A table's numbers are Decimals; the domain knows ints and floats."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

import msgspec

Value = TypeVar("Value")
Item = dict[str, Any]


def attribute(value: Any) -> dict[str, Any]:
    """A domain value, or any JSON value, as a DynamoDB attribute value; a set of strings as a string set."""
    if isinstance(value, frozenset):
        return {"SS": sorted(value)}
    plain = json.loads(msgspec.json.encode(value), parse_float=Decimal)
    result: dict[str, Any] = _serializer().serialize(plain)
    return result


def item_of(value: Any, **keys: str) -> Item:
    """A dataclass as an item under the given key attributes."""
    fields: Item = attribute(value)["M"]
    return fields | {name: {"S": text} for name, text in keys.items()}


def value_of(item: Item, kind: type[Value]) -> Value:
    """The dataclass that an item holds; key attributes are left out."""
    return msgspec.convert({name: plain_of(value) for name, value in item.items()}, kind)


def plain_of(attribute: dict[str, Any]) -> Any:
    """An attribute value as a JSON value; a string set as a sorted list. Raises TypeError for a type not used here."""
    [(kind, value)] = attribute.items()
    if kind in {"S", "BOOL"}:
        return value
    if kind == "N":
        number = Decimal(value)
        return int(number) if number == number.to_integral_value() else float(number)
    if kind == "NULL":
        return None
    if kind == "M":
        return {name: plain_of(inner) for name, inner in value.items()}
    if kind == "L":
        return [plain_of(inner) for inner in value]
    if kind == "SS":
        return sorted(value)
    raise TypeError(f"an attribute of type {kind} is none of ours")


@cache
def _serializer() -> Any:
    # What only reads needs no SDK.
    from boto3.dynamodb.types import TypeSerializer

    return TypeSerializer()

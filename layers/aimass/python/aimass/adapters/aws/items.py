"""Domain values as DynamoDB items and back. A table's numbers are Decimals; the domain knows ints and floats."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

Value = TypeVar("Value")
Item = dict[str, Any]

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def attribute(value: Any) -> dict[str, Any]:
    """A domain value, or any JSON value, as a DynamoDB attribute value; a set of strings as a string set."""
    if isinstance(value, frozenset):
        return {"SS": sorted(value)}
    plain = json.loads(msgspec.json.encode(value), parse_float=Decimal)
    result: dict[str, Any] = _serialize(plain)
    return result


def item_of(value: Any, **keys: str) -> Item:
    """A dataclass as an item under the given key attributes."""
    fields: Item = attribute(value)["M"]
    return fields | {name: {"S": text} for name, text in keys.items()}


def value_of(item: Item, kind: type[Value]) -> Value:
    """The dataclass that an item holds; key attributes are left out."""
    plain = {name: _plain(_deserialize(value)) for name, value in item.items()}
    return msgspec.convert(plain, kind)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | set):
        return [_plain(inner) for inner in (sorted(value) if isinstance(value, set) else value)]
    return value

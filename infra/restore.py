"""`python -m infra.restore --stage prod --source RESTORED_TABLE [--apply]`: makes the registry what a restored copy is.

DynamoDB restores into a new table, and every function, right and alarm names the old one: the items come back, not the
table. API keys stay as they are now, or one that was revoked since would let in again; `--keys` restores them too.
Without `--apply` it only counts what it would write and delete. It holds the items of the registry in memory.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

import boto3

from infra.account import STAGES, ended_by_a_sentence, registry_table

Item = dict[str, Any]
Key = tuple[str, str]


@ended_by_a_sentence()
def main(arguments: Sequence[str] | None = None, client: Any = boto3.client) -> None:
    """`client` makes a service's client by its name."""
    parser = argparse.ArgumentParser(prog="python -m infra.restore")
    parser.add_argument("--stage", choices=STAGES, required=True)
    parser.add_argument("--source", required=True, help="the table that PITR restored into")
    parser.add_argument("--apply", action="store_true", help="write and delete, in place of counting")
    parser.add_argument("--keys", action="store_true", help="API keys too: keys revoked since let in again")
    options = parser.parse_args(arguments)
    target = registry_table(client("cloudformation"), f"aimass-{options.stage}")
    written, deleted = restore(client("dynamodb"), options.source, target, apply=options.apply, keys=options.keys)
    done = "wrote {} and deleted {}" if options.apply else "would write {} and delete {}"
    print(f"{done.format(written, deleted)} items of {target}")


def restore(dynamodb: Any, source: str, target: str, *, apply: bool, keys: bool = False) -> tuple[int, int]:
    """How many items of `target` are (or, without `apply`, would be) written and deleted to equal `source`.

    API keys are left alone unless `keys`.
    """
    current = {_key(item): item for item in _scan(dynamodb, target) if keys or not _is_api_key(item)}
    written = 0
    for item in _scan(dynamodb, source):
        if _is_api_key(item) and not keys:
            continue
        if current.pop(_key(item), None) != item:
            written += 1
            if apply:
                dynamodb.put_item(TableName=target, Item=item)
    for item in current.values():
        if apply:
            dynamodb.delete_item(TableName=target, Key={"PK": item["PK"], "SK": item["SK"]})
    return written, len(current)


def _scan(dynamodb: Any, table: str) -> Iterator[Item]:
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from page["Items"]


def _is_api_key(item: Item) -> bool:
    """A secret's hash that lets in, or what its tenant reads of it."""
    partition, sort = _key(item)
    return partition.startswith("KEY#") or sort.startswith("APIKEY#")


def _key(item: Item) -> Key:
    return item["PK"]["S"], item["SK"]["S"]


if __name__ == "__main__":
    main()

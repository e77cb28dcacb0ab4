"""DynamoDB's items in the journal: each is written as it is after the call that changed it."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from local.durable.journal import Journal
from local.ministack_queries import Partition, narrow_queries

LOG = logging.getLogger(__name__)
KIND = "item"
Table = dict[str, Any]


class Items(defaultdict[str, Partition]):
    """A table's items by partition and sort key. Snapshots copy the table without them: the journal holds them."""

    def __init__(self, partitions: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(Partition, {key: Partition(items) for key, items in partitions.items()})

    def setdefault(self, key: str, _: object = None) -> Partition:
        return self[key]

    def __deepcopy__(self, _: object) -> dict[str, Any]:
        return {}


class DurableItems:
    """`table_id` names a table in the records, so that a table made anew under an old name starts empty."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def install(self) -> None:
        from ministack.services import dynamodb

        handle = dynamodb.handle_request

        async def handle_together(*arguments: Any) -> Any:
            with self._journal.together():
                return await handle(*arguments)

        dynamodb.handle_request = handle_together
        dynamodb._set_item = self._telling(dynamodb._set_item)
        dynamodb._remove_item = self._telling(dynamodb._remove_item)
        dynamodb._items_replaced = self._replacing(dynamodb._items_replaced)
        narrow_queries()

    def load(self) -> None:
        """After the snapshot, which has the tables."""
        from ministack.services import dynamodb

        tables = {table["TableId"]: table for table in dynamodb._tables.all_values()}
        for table in tables.values():
            table["items"] = Items({})
        for (table_id, partition, sort), item in self._journal.records(KIND):
            if table_id in tables:
                tables[table_id]["items"][partition][sort] = item
        for table in tables.values():
            dynamodb._update_counts(table)

    def _telling(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def change_and_tell(table: Table, partition: str, sort: str, *item: Any) -> Any:
            if not isinstance(table["items"], Items):
                table["items"] = Items(table["items"])
            changed = change(table, partition, sort, *item)
            self._journal.touch((KIND, table["TableId"], partition, sort), partial(_item, table, partition, sort))
            return changed

        return change_and_tell

    def _replacing(self, recount: Callable[[Table], None]) -> Callable[[Table], None]:
        """Of a transaction that is undone, or a table restored from a backup: every item is written again."""

        def replace(table: Table) -> None:
            self._journal.wait()
            old = {tuple(key[1:]) for key, _ in self._journal.records(KIND) if key[0] == table["TableId"]}
            new = {(partition, sort) for partition, items in table["items"].items() for sort in items}
            recount(table)
            for partition, sort in old | new:
                self._journal.touch((KIND, table["TableId"], partition, sort), partial(_item, table, partition, sort))

        return replace


def _item(table: Table, partition: str, sort: str) -> Any:
    return table["items"].get(partition, {}).get(sort)

"""Reminders of what has to be done later: PK=DUE, sorted by date."""

from __future__ import annotations

from aimass.adapters.aws.items import item_of
from aimass.adapters.aws.registry.table import TenantTable
from aimass.adapters.aws.transactions import Write
from aimass.domain.model import Due


class DueWrites(TenantTable):
    """The write that leaves a reminder, within the transaction that makes it necessary."""

    def _due(self, due: Due) -> Write:
        return Write("Put", self._table, {"Item": item_of(due, PK="DUE", SK=due_key(due))})


def due_key(due: Due) -> str:
    return f"{due.at}#{due.kind}#{due.tenant}#{due.subject}"

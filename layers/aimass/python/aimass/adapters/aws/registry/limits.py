"""What a tenant was granted and what it uses, changed by the transactions that change what there is."""

from __future__ import annotations

from typing import Any

from aimass.adapters.aws.items import value_of
from aimass.adapters.aws.registry.table import TenantTable
from aimass.adapters.aws.transactions import Write, transact
from aimass.domain.errors import LimitExceeded
from aimass.domain.tenants import Limits, Usage

_JOB_RETRY_SECONDS = 30


class UsageTable(TenantTable):
    """The writes that reserve and give back."""

    def usage_of(self, tenant: str) -> Usage:
        """What the tenant has now."""
        item = self._get(tenant, "USAGE")
        return value_of(item, Usage) if item else Usage()

    def _reserving(self, tenant: str, limits: Limits, **asked: int) -> Write:
        """Adds what is asked if it fits; negative numbers give back.

        Raises LimitExceeded where it plainly doesn't fit, the write where it races.
        """
        usage = self.usage_of(tenant)
        for what, count in asked.items():
            _check(what, getattr(limits, what), getattr(usage, what), count)
        room = {f":room_{what}": getattr(limits, what) - count for what, count in asked.items() if count > 0}
        condition = " AND ".join(
            f"(attribute_not_exists(#{what}) OR #{what} <= :room_{what})" for what, count in asked.items() if count > 0
        )
        raced = LimitExceeded("other calls took what was left of this tenant's limits", retry_after=1)
        return self._using(tenant, condition, room, **asked).otherwise(raced)

    def _using(self, tenant: str, condition: str = "", values: dict[str, Any] | None = None, **changed: int) -> Write:
        """Adds to the tenant's usage; negative numbers give back."""
        added = ", ".join(f"#{what} :{what}" for what in changed)
        counts = {f":{what}": count for what, count in changed.items()}
        names = {f"#{what}": what for what in changed}
        return self._update(tenant, "USAGE", f"ADD {added}", condition, counts | (values or {}), names)


class DynamoTenantLimits(UsageTable):
    """The port `TenantLimits` on one DynamoDB table."""

    def __init__(self, client: Any, table: str, defaults: Limits) -> None:
        super().__init__(client, table)
        self._defaults = defaults

    def limits_of(self, tenant: str) -> Limits:
        """What the tenant was granted, or the stage's defaults."""
        item = self._get(tenant, "LIMITS")
        return value_of(item, Limits) if item else self._defaults

    def grant(self, tenant: str, limits: Limits) -> None:
        """Replaces what the tenant was granted."""
        transact(self._client, self._put(tenant, "LIMITS", limits))


def _check(what: str, limit: int, used: int, asked: int) -> None:
    if asked > 0 and used + asked > limit:
        waiting_helps = {"retry_after": _JOB_RETRY_SECONDS} if what == "jobs" else {}
        raise LimitExceeded(
            f"this tenant may have {limit} {what}; {used} are used or reserved, {asked} more were asked for",
            limit=what,
            allowed=limit,
            used=used,
            asked=asked,
            **waiting_helps,
        )

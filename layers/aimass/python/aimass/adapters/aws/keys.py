"""API keys in the table, as hashes: `PK=KEY#<sha256>` lets in, `APIKEY#<id>` of a tenant lists."""

from __future__ import annotations

import math
from datetime import datetime

from aimass.adapters.aws.items import Item, item_of, value_of
from aimass.adapters.aws.registry.table import TenantTable, key
from aimass.adapters.aws.transactions import Write, transact
from aimass.domain.errors import Conflict, KeyNotFound, LastKey
from aimass.domain.tenants import ApiKey


class DynamoApiKeys(TenantTable):
    """The port `ApiKeys` on one DynamoDB table. A key has one secret, and for a while the one before."""

    def holder_of(self, key_hash: str, moment: str) -> tuple[str, str] | None:
        """Tenant and key id of a secret that is valid at the moment, or None."""
        # Consistent: what an authorizer denies, the gateway denies for a minute.
        answer = self._client.get_item(TableName=self._table, Key=_secret_key(key_hash), ConsistentRead=True)
        item: Item | None = answer.get("Item")
        if not item or ("expires_at" in item and item["expires_at"]["S"] <= moment):
            return None
        return item["tenant"]["S"], item["id"]["S"]

    def list_keys(self, tenant: str) -> list[ApiKey]:
        """The tenant's keys, oldest first; some of them may have expired."""
        return [value_of(item, ApiKey) for item in self._query(tenant, "APIKEY#")]

    def add(self, tenant: str, key: ApiKey, key_hash: str) -> None:
        """Lets the secret of that hash in."""
        transact(
            self._client,
            self._let_in(tenant, key.id, key_hash, key.expires_at),
            self._list(tenant, key, {"key_hash": {"S": key_hash}}, "attribute_not_exists(SK)"),
        )

    def rotate(self, tenant: str, before: ApiKey, after: ApiKey, key_hash: str, old_until: str) -> None:
        """Replaces the key's secret; that of `before` lets in until `old_until`, an older one no more.

        Raises KeyNotFound, or Conflict when another call rotated the key meanwhile.
        """
        item = self._item(tenant, before.id)
        old_hash = item["key_hash"]["S"]
        overlap = old_until > (after.rotated_at or "")
        hashes = {"key_hash": {"S": key_hash}} | ({"old_hash": {"S": old_hash}} if overlap else {})
        moved = Conflict(f"key {before.id} changed meanwhile; read it and try again", key_id=before.id)
        transact(
            self._client,
            self._let_in(tenant, after.id, key_hash, after.expires_at),
            self._let_in(tenant, before.id, old_hash, old_until) if overlap else self._shut_out(old_hash),
            *self._shut_out_older(item),
            self._list(tenant, after, hashes, "key_hash = :old", {":old": old_hash}).otherwise(moved),
        )

    def revoke(self, tenant: str, key_id: str, remaining: str | None) -> None:
        """Shuts out every secret of the key, provided that the key `remaining`, if any is named, is there.

        Raises KeyNotFound, LastKey, or Conflict when another call changed the key meanwhile.
        """
        item = self._item(tenant, key_id)
        unmoved = {":hash": item["key_hash"]["S"]}
        gone = LastKey("the tenant's other key is gone: this one can be rotated, not revoked", key_id=key_id)
        transact(
            self._client,
            *([self._check(tenant, remaining).otherwise(gone)] if remaining else []),
            Write(
                "Delete", self._table, {"Key": key(tenant, f"APIKEY#{key_id}")}, "key_hash = :hash", unmoved
            ).otherwise(Conflict(f"key {key_id} changed meanwhile; read it and try again", key_id=key_id)),
            self._shut_out(item["key_hash"]["S"]),
            *self._shut_out_older(item),
        )

    def _item(self, tenant: str, key_id: str) -> Item:
        item = self._get(tenant, f"APIKEY#{key_id}")
        if not item:
            raise KeyNotFound(f"no key {key_id!r}", key_id=key_id)
        return item

    def _let_in(self, tenant: str, key_id: str, key_hash: str, until: str | None) -> Write:
        item = _secret_key(key_hash) | {"tenant": {"S": tenant}, "id": {"S": key_id}} | _expiry(until)
        if until:
            item["expires_at"] = {"S": until}
        return Write("Put", self._table, {"Item": item})

    def _list(
        self, tenant: str, listed: ApiKey, hashes: Item, condition: str, values: dict[str, str] | None = None
    ) -> Write:
        item = item_of(listed, PK=f"T#{tenant}", SK=f"APIKEY#{listed.id}") | hashes | _expiry(listed.expires_at)
        return Write("Put", self._table, {"Item": item}, condition, values or {})

    def _shut_out(self, key_hash: str) -> Write:
        return Write("Delete", self._table, {"Key": _secret_key(key_hash)})

    def _shut_out_older(self, item: Item) -> list[Write]:
        return [self._shut_out(item["old_hash"]["S"])] if "old_hash" in item else []

    def _check(self, tenant: str, key_id: str) -> Write:
        return Write("ConditionCheck", self._table, {"Key": key(tenant, f"APIKEY#{key_id}")}, "attribute_exists(SK)")


def _secret_key(key_hash: str) -> Item:
    return {"PK": {"S": f"KEY#{key_hash}"}, "SK": {"S": "KEY"}}


def _expiry(until: str | None) -> Item:
    """The table's TTL attribute, whole seconds; the moment itself is judged by `expires_at`."""
    return {"ttl": {"N": str(math.ceil(datetime.fromisoformat(until).timestamp()))}} if until else {}

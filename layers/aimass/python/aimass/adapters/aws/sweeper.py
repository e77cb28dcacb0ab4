"""The artifacts of all tenants as the sweep sees them, and the note of how far it came."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from aimass.adapters.aws.artifacts import artifact_key

_PREFIX = "artifacts/"
_KEY = re.compile(r"artifacts/([^/]+)/sha256/([0-9a-f]{64})")
_ROUND = {"PK": {"S": "SWEEP"}, "SK": {"S": "ROUND"}}


class S3ArtifactSweeper:
    """The port `ArtifactSweeper` on one bucket."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def older_than(self, moment: str, after: str = "") -> Iterator[tuple[str, str]]:
        """Tenant and digest of what was stored before the moment, in the order of `<tenant>/<sha256>`, from `after`."""
        before = datetime.fromisoformat(moment)
        start = artifact_key(*after.split("/")) if after else ""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=_PREFIX, StartAfter=start
        )
        for page in pages:
            for entry in page.get("Contents", []):
                found = _KEY.fullmatch(entry["Key"])
                if found and entry["LastModified"] < before:
                    yield found[1], found[2]

    def delete(self, tenant: str, sha256: str) -> None:
        """Deletes the artifact; in a versioned bucket it stays as a noncurrent version for a while."""
        self._client.delete_object(Bucket=self._bucket, Key=artifact_key(tenant, sha256))


class DynamoSweepProgress:
    """The port `SweepProgress`: one item, `PK=SWEEP`."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def read(self) -> tuple[str, str | None]:
        """When the last round began, and what it judged last; None once it has ended."""
        item = self._client.get_item(TableName=self._table, Key=_ROUND, ConsistentRead=True).get("Item")
        return (item["started_at"]["S"], item.get("after", {}).get("S")) if item else ("", None)

    def keep(self, started_at: str, after: str | None) -> None:
        """Notes both for the next run."""
        place = {"after": {"S": after}} if after is not None else {}
        self._client.put_item(TableName=self._table, Item=_ROUND | {"started_at": {"S": started_at}} | place)

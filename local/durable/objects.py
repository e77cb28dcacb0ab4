"""S3's objects and their versions in the journal, their bodies as files beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from local.durable.blobs import Blobs, Body, Received
from local.durable.digests import checksum_of, md5_of
from local.durable.journal import Journal

OBJECT = "object"
Record = dict[str, Any]


class DurableObjects:
    def __init__(self, journal: Journal, blobs: Blobs) -> None:
        self._journal = journal
        self._blobs = blobs

    def install(self) -> None:
        """MiniStack asks for an object to be persisted wherever its key changes: that is where records are touched."""
        from ministack.services import s3

        s3.handle_request = self._together(s3.handle_request)
        s3._persist_object = lambda bucket, key, _: self._touch_object(bucket, key)
        s3._persist_delete_marker = lambda bucket, key, _: self._touch_object(bucket, key)
        s3._delete_persisted_object = self._touch_object
        s3._persist_displaced_version = s3._delete_version_file = lambda *_: None
        s3.md5_hash, s3._compute_s3_checksum = md5_of(s3.md5_hash), checksum_of(s3._compute_s3_checksum)

    def load(self) -> None:
        """After the snapshot, which has the buckets."""
        from ministack.services import s3

        for (account, bucket, key), record in self._journal.records(OBJECT):
            self._load_object(s3, account, bucket, key, record)

    def _load_object(self, s3: Any, account: str, bucket: str, key: str, record: Record) -> None:
        held = s3._buckets._data.setdefault((account, bucket), {"created": s3.now_iso(), "objects": {}, "region": None})
        bodies = {}
        for version in record["versions"]:
            if version["data"] is not None:
                version["data"] = bodies[version["version_id"]] = self._blobs.restored(version["data"])
        current = record["current"]
        if current is not None:
            body = bodies.get(current.get("version_id") or "null")
            current["body"] = self._blobs.restored(current["body"]) if body is None else body
            held["objects"][key] = current
        if record["versions"]:
            s3._object_versions._data[account, (bucket, key)] = record["versions"]
        for store, values in zip(_by_version(s3), record["by_version"], strict=True):
            for version_id, value in values:
                store._data[account, (bucket, key, version_id)] = value
        self._blobs.name((OBJECT, account, bucket, key), list(_bodies(record)))

    def _together(self, handle: Callable[..., Any]) -> Callable[..., Any]:
        async def handle_together(
            method: str, path: str, headers: Any, body: Any, query: Any, *more: Any, **options: Any
        ) -> Any:
            with self._journal.together():
                answer = await handle(method, path, headers, body, query, *more, **options)
            if isinstance(body, memoryview) and isinstance(body.obj, Received):
                self._blobs.forget_unnamed(body.obj.name)
            return answer

        return handle_together

    def _touch_object(self, bucket: str, key: str) -> None:
        from ministack.core.responses import get_account_id

        account = get_account_id()
        self._journal.touch((OBJECT, account, bucket, key), partial(self._object, account, bucket, key))

    def _object(self, account: str, bucket: str, key: str) -> Record | None:
        from ministack.services import s3

        held = s3._buckets._data.get((account, bucket)) or {"objects": {}}
        current = held["objects"].get(key)
        versions = s3._object_versions._data.get((account, (bucket, key))) or []
        self._move_to_files(current, versions)
        bodies = [*_bodies({"current": current, "versions": versions})]
        self._blobs.name((OBJECT, account, bucket, key), bodies)
        if current is None and not versions:
            return None
        version_ids = [None, *(version["version_id"] for version in versions)]
        return {
            "current": current and {**current, "body": current["body"].described()},
            "versions": [{**version, "data": _described(version.get("data"))} for version in versions],
            "by_version": [
                [
                    (version_id, store._data[account, (bucket, key, version_id)])
                    for version_id in version_ids
                    if (account, (bucket, key, version_id)) in store._data
                ]
                for store in _by_version(s3)
            ],
        }

    def _move_to_files(self, current: Record | None, versions: list[Record]) -> None:
        """One file for an object and the version that it is."""
        if current is not None:
            current["body"] = self._blobs.body(current["body"])
        for version in versions:
            is_current = current is not None and version["version_id"] == (current.get("version_id") or "null")
            if current is not None and is_current:
                version["data"] = current["body"]
            elif version.get("data") is not None:
                version["data"] = self._blobs.body(version["data"])


def _by_version(s3: Any) -> tuple[Any, ...]:
    return s3._object_tags, s3._object_acl, s3._object_annotations, s3._object_retention, s3._object_legal_hold


def _bodies(record: Record) -> Iterator[Body]:
    if record["current"] is not None:
        yield record["current"]["body"]
    for version in record["versions"]:
        if version.get("data") is not None:
            yield version["data"]


def _described(body: Body | None) -> list[list[Any]] | None:
    return None if body is None else body.described()

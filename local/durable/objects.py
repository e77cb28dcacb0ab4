"""S3's objects, versions and multipart uploads in the journal, their bodies as files beside it."""

from __future__ import annotations

import base64
import hashlib
import inspect
import re
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from local.durable.blobs import Blobs, Body, Received, joined
from local.durable.journal import Journal, Key

OBJECT, UPLOAD, PART, COMPLETED = "object", "upload", "part", "completed"
COMPLETED_SECONDS = 86400
UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)</UploadId>")
# MiniStack joins the parts' bytes in memory; here they are files, whose MD5s are their ETags.
JOINING = {
    'hashlib.md5(stored["body"]).digest()': 'bytes.fromhex(stored["etag"].strip(\'"\'))',
    'b"".join(combined_parts)': "_joined(combined_parts)",
}
Answer = tuple[int, dict[str, str], Any]
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
        s3.md5_hash, s3._compute_s3_checksum = _md5(s3.md5_hash), _checksum(s3._compute_s3_checksum)
        s3._joined = lambda bodies: joined(bodies, self._blobs.folder)
        join_on_disk(s3)
        s3._create_multipart_upload = self._creating(s3._create_multipart_upload)
        s3._upload_part = self._adding(s3._upload_part, query_at=3)
        s3._upload_part_copy = self._adding(s3._upload_part_copy, query_at=2)
        s3._complete_multipart_upload = self._ending(s3._complete_multipart_upload, query_at=3)
        s3._abort_multipart_upload = self._ending(s3._abort_multipart_upload, query_at=2)

    def load(self) -> None:
        """After the snapshot, which has the buckets."""
        from ministack.services import s3

        for (account, bucket, key), record in self._journal.records(OBJECT):
            self._load_object(s3, account, bucket, key, record)
        for (account, upload_id), upload in self._journal.records(UPLOAD):
            s3._multipart_uploads._data[account, upload_id] = {**upload, "parts": {}}
        for (account, upload_id, number), part in self._journal.records(PART):
            body = self._blobs.restored(part["body"])
            self._blobs.name((PART, account, upload_id, number), [body])
            s3._multipart_uploads._data[account, upload_id]["parts"][number] = {**part, "body": body}
        self._load_completed(s3)
        self._blobs.remove_strangers()

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

    def _load_completed(self, s3: Any) -> None:
        """What completing answered, for a client that asks again; forgotten after a day."""
        old: dict[Key, Any] = {}
        for (account, upload_id), done in self._journal.records(COMPLETED):
            if done["at"] < time.time() - COMPLETED_SECONDS:
                old[COMPLETED, account, upload_id] = None
            else:
                status, headers, text = done["response"]
                answer = {"key": done["key"], "response": (status, headers, text.encode())}
                s3._completed_multipart_uploads._data[account, upload_id] = answer
        self._journal.write(old)

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

    def _creating(self, create: Callable[..., Answer]) -> Callable[..., Answer]:
        def create_and_tell(*arguments: Any) -> Answer:
            answer = create(*arguments)
            found = UPLOAD_ID.search(answer[2]) if answer[0] == 200 else None
            if found:
                self._touch_upload(found[1].decode())
            return answer

        return create_and_tell

    def _adding(self, add: Callable[..., Answer], query_at: int) -> Callable[..., Answer]:
        def add_and_tell(*arguments: Any) -> Answer:
            answer = add(*arguments)
            if answer[0] == 200:
                query = arguments[query_at]
                self._touch_part(_one(query, "uploadId"), int(_one(query, "partNumber")))
            return answer

        return add_and_tell

    def _ending(self, end: Callable[..., Answer], query_at: int) -> Callable[..., Answer]:
        def end_and_tell(*arguments: Any) -> Answer:
            from ministack.services import s3

            upload_id = _one(arguments[query_at], "uploadId")
            numbers = list(s3._multipart_uploads.get(upload_id, {}).get("parts", ()))
            answer = end(*arguments)
            if upload_id not in s3._multipart_uploads:
                self._touch_upload(upload_id)
                for number in numbers:
                    self._touch_part(upload_id, number)
            return answer

        return end_and_tell

    def _touch_upload(self, upload_id: str) -> None:
        from ministack.core.responses import get_account_id

        account = get_account_id()
        self._journal.touch((UPLOAD, account, upload_id), partial(_upload, account, upload_id))
        self._journal.touch((COMPLETED, account, upload_id), partial(_completed, account, upload_id))

    def _touch_part(self, upload_id: str, number: int) -> None:
        from ministack.core.responses import get_account_id

        account = get_account_id()
        self._journal.touch((PART, account, upload_id, number), partial(self._part, account, upload_id, number))

    def _part(self, account: str, upload_id: str, number: int) -> Record | None:
        from ministack.services import s3

        part = s3._multipart_uploads._data.get((account, upload_id), {}).get("parts", {}).get(number)
        if part is None:
            self._blobs.name((PART, account, upload_id, number), [])
            return None
        part["body"] = self._blobs.body(part["body"])
        self._blobs.name((PART, account, upload_id, number), [part["body"]])
        return {**part, "body": part["body"].described()}


def join_on_disk(s3: Any) -> None:
    """Compiles MiniStack's completing of an upload anew, with the two expressions that take bytes replaced."""
    source = inspect.getsource(s3._complete_multipart_upload)
    for theirs, ours in JOINING.items():
        if source.count(theirs) != 1:
            sys.exit(
                f"this MiniStack completes uploads otherwise, without {theirs}: install the version that is pinned"
            )
        source = source.replace(theirs, ours)
    exec(compile(source, s3.__file__, "exec"), s3.__dict__)  # noqa: S102 - of the pinned package's own source


def _upload(account: str, upload_id: str) -> Record | None:
    from ministack.services import s3

    upload = s3._multipart_uploads._data.get((account, upload_id))
    return None if upload is None else {name: value for name, value in upload.items() if name != "parts"}


def _completed(account: str, upload_id: str) -> Record | None:
    from ministack.services import s3

    done = s3._completed_multipart_uploads._data.get((account, upload_id))
    if done is None:
        return None
    status, headers, body = done["response"]
    return {"key": done["key"], "response": [status, headers, body.decode()], "at": time.time()}


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


def _one(query: dict[str, Any], name: str) -> str:
    value = query.get(name, "")
    return str(value[0] if isinstance(value, list) else value)


def _md5(md5_hash: Callable[[Any], str]) -> Callable[[Any], str]:
    """Taken while the body came in, where it did; in pieces where it lies in files."""

    def md5(content: Any) -> str:
        if isinstance(content, memoryview) and isinstance(content.obj, Received):
            return content.obj.md5
        if not isinstance(content, Body):
            return md5_hash(content)
        digest = hashlib.md5(usedforsecurity=False)
        for chunk in content.chunks():
            digest.update(chunk)
        return digest.hexdigest()

    return md5


def _checksum(compute: Callable[[str, Any], str | None]) -> Callable[[str, Any], str | None]:
    def checksum(algorithm: str, content: Any) -> str | None:
        if isinstance(content, memoryview) and isinstance(content.obj, Received) and algorithm.upper() == "CRC32":
            return base64.b64encode(content.obj.crc32.to_bytes(4, "big")).decode()
        return compute(algorithm, bytes(content) if isinstance(content, Body) else content)

    return checksum

"""S3's multipart uploads in the journal, their parts as files; a completed one is the list of its parts' files."""

from __future__ import annotations

import inspect
import re
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from local.durable.blobs import Blobs, joined
from local.durable.journal import Journal, Key

UPLOAD, PART, COMPLETED = "upload", "part", "completed"
COMPLETED_SECONDS = 86400
UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)</UploadId>")
# MiniStack joins the parts' bytes in memory; here they are files, whose MD5s are their ETags.
JOINING = {
    'hashlib.md5(stored["body"]).digest()': 'bytes.fromhex(stored["etag"].strip(\'"\'))',
    'b"".join(combined_parts)': "_joined(combined_parts)",
}
Answer = tuple[int, dict[str, str], Any]
Record = dict[str, Any]


class DurableUploads:
    def __init__(self, journal: Journal, blobs: Blobs) -> None:
        self._journal = journal
        self._blobs = blobs

    def install(self) -> None:
        from ministack.services import s3

        s3._joined = lambda bodies: joined(bodies, self._blobs.folder)
        join_on_disk(s3)
        s3._create_multipart_upload = self._creating(s3._create_multipart_upload)
        s3._upload_part = self._adding(s3._upload_part, query_at=3)
        s3._upload_part_copy = self._adding(s3._upload_part_copy, query_at=2)
        s3._complete_multipart_upload = self._ending(s3._complete_multipart_upload, query_at=3)
        s3._abort_multipart_upload = self._ending(s3._abort_multipart_upload, query_at=2)

    def load(self) -> None:
        from ministack.services import s3

        for (account, upload_id), upload in self._journal.records(UPLOAD):
            s3._multipart_uploads._data[account, upload_id] = {**upload, "parts": {}}
        for (account, upload_id, number), part in self._journal.records(PART):
            body = self._blobs.restored(part["body"])
            self._blobs.name((PART, account, upload_id, number), [body])
            s3._multipart_uploads._data[account, upload_id]["parts"][number] = {**part, "body": body}
        self._load_completed(s3)

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


def _one(query: dict[str, Any], name: str) -> str:
    value = query.get(name, "")
    return str(value[0] if isinstance(value, list) else value)

"""Ranged reads of S3 objects from disk: MiniStack reads whole bodies, and ignores Range on a pinned version."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

Answer = tuple[int, dict[str, str], Any]
_in_range: ContextVar[bool] = ContextVar("in_range", default=False)


def read_ranges_from_disk() -> None:
    """Replaces the three parts of MiniStack that a read goes through."""
    from ministack.services import s3

    s3._read_body = _mapping_reader(s3)
    s3._version_body = _mapping_version_reader(s3)
    s3._get_object = ranged(s3._get_object, s3._parse_range)


def _mapping_reader(s3: Any) -> Callable[..., Any]:
    read = s3._read_body

    def read_body(bucket: str, key: str, record: dict[str, Any]) -> Any:
        if not _in_range.get() or record.get("body") is not None or not record.get("size"):
            return read(bucket, key, record)
        return _mapped(s3._object_disk_path(bucket, key))

    return read_body


def _mapping_version_reader(s3: Any) -> Callable[..., Any]:
    read = s3._version_body

    def read_version(bucket: Any, name: str, key: str, version: dict[str, Any]) -> Any:
        stored = version.get("data") is None and s3._version_file_exists(name, key, version["version_id"])
        if not _in_range.get() or not stored or not version.get("size"):
            return read(bucket, name, key, version)
        return _mapped(s3._version_disk_path(name, key, version["version_id"]))

    return read_version


def _mapped(path: str) -> mmap.mmap:
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def ranged(get_object: Callable[..., Answer], parse_range: Callable[[str, int], Any]) -> Callable[..., Answer]:
    """`get_object` whose answer to a Range is that range alone, of a pinned version too."""

    def get(bucket: str, key: str, headers: dict[str, str], query: dict[str, Any] | None = None) -> Answer:
        if "range" not in headers:
            return get_object(bucket, key, headers, query)
        token = _in_range.set(True)
        try:
            status, answer, body = get_object(bucket, key, headers, query)
        finally:
            _in_range.reset(token)
        found = parse_range(headers["range"], len(body)) if status == 200 else None
        if found is None:
            return status, answer, bytes(body)
        start, end = found
        whole = {name: value for name, value in answer.items() if not name.lower().startswith("x-amz-checksum-")}
        span = {"Content-Length": str(end - start + 1), "Content-Range": f"bytes {start}-{end}/{len(body)}"}
        return 206, whole | span, bytes(body[start : end + 1])

    return get

"""What a job is asked to do: a JSON document behind the presigned URL in ORDER_URL."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from aimass.sandbox.limits import MIB, Limits


class OrderInvalid(ValueError):
    """The order can't be read; the message names the field."""


@dataclass(frozen=True)
class File:
    """One file to fetch. `url` is presigned; `size` is in bytes, `sha256` in hexadecimal."""

    path: str
    url: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Order:
    """A model's files and limits, and `result_url`, presigned for the PUT of one JSON document."""

    files: tuple[File, ...]
    sample: File | None
    limits: Limits
    prediction_seconds: float
    result_url: str


def parse_order(body: bytes) -> Order:
    """Reads `{files: [{path, url, size, sha256}], sample?, limits: {seconds, memory_mb, disk_mb}, prediction_seconds,
    result_url}`. Raises OrderInvalid.
    """
    try:
        document = json.loads(body)
        limits = document["limits"]
        order = Order(
            files=tuple(_file(one) for one in document["files"]),
            sample=_file(document["sample"]) if document.get("sample") else None,
            limits=Limits(
                seconds=float(limits["seconds"]),
                memory_bytes=int(limits["memory_mb"]) * MIB,
                file_bytes=int(limits["disk_mb"]) * MIB,
            ),
            prediction_seconds=float(document["prediction_seconds"]),
            result_url=str(document["result_url"]),
        )
    except KeyError as error:
        raise OrderInvalid(f"the order lacks {error.args[0]!r}") from None
    except (TypeError, ValueError, AttributeError) as error:
        # A subclass of ValueError that is already ours keeps its text.
        text = str(error) if isinstance(error, OrderInvalid) else "the order is not the JSON that it should be"
        raise OrderInvalid(text) from None
    if not order.files:
        raise OrderInvalid("the order names no files")
    return order


def _file(document: dict[str, Any]) -> File:
    path = PurePosixPath(str(document["path"]))
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise OrderInvalid(f"{str(path)[:200]!r} is not a path inside the model's folder")
    return File(str(path), str(document["url"]), int(document["size"]), str(document["sha256"]))

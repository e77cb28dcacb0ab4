"""Digests of bodies that lie in files: taken while they came in, or in pieces."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

from local.durable.blobs import Body, Received


def md5_of(md5_hash: Callable[[Any], str]) -> Callable[[Any], str]:
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


def checksum_of(compute: Callable[[str, Any], str | None]) -> Callable[[str, Any], str | None]:
    def checksum(algorithm: str, content: Any) -> str | None:
        if isinstance(content, memoryview) and isinstance(content.obj, Received) and algorithm.upper() == "CRC32":
            return base64.b64encode(content.obj.crc32.to_bytes(4, "big")).decode()
        return compute(algorithm, bytes(content) if isinstance(content, Body) else content)

    return checksum

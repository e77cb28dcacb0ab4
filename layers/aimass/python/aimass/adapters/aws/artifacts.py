"""Artifacts in S3: `artifacts/<tenant>/sha256/<hex>`, shared within a tenant, never across."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from aimass.domain.model import StoredFile

_PRESENT = {"PreconditionFailed", "ConditionalRequestConflict"}


class CorruptArtifact(Exception):
    """Bytes in the store are not those of their address."""


class S3ArtifactStore:
    """The port `ArtifactStore` on one bucket."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put_file(self, tenant: str, path: str, source: Path) -> StoredFile:
        """Stores a file of up to 5 GiB under its digest, unless it is there already."""
        with source.open("rb") as body:
            digest = hashlib.file_digest(body, "sha256").hexdigest()
            if not self._exists(tenant, digest):
                body.seek(0)
                self._put(_key(tenant, digest), body)
        return StoredFile(path, digest, source.stat().st_size)

    def fetch(self, tenant: str, file: StoredFile, target: Path) -> None:
        """Writes the artifact's bytes to `target`, which appears whole or not at all. Raises CorruptArtifact."""
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{file.sha256[:16]}.partial")  # not longer than any name that is allowed
        self._client.download_file(self._bucket, _key(tenant, file.sha256), str(partial))
        with partial.open("rb") as body:
            digest = hashlib.file_digest(body, "sha256").hexdigest()
        if digest != file.sha256:
            partial.unlink()
            raise CorruptArtifact(f"artifact {file.sha256} has digest {digest}")
        partial.replace(target)

    def uri(self, tenant: str, sha256: str) -> str:
        """Where the artifact lies, as `s3://bucket/key`."""
        return f"s3://{self._bucket}/{_key(tenant, sha256)}"

    def _exists(self, tenant: str, digest: str) -> bool:
        try:
            self._client.head_object(Bucket=self._bucket, Key=_key(tenant, digest))
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in {403, 404}:
                return False
            raise
        return True

    def _put(self, key: str, body: Any) -> None:
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in _PRESENT:
                raise


def _key(tenant: str, digest: str) -> str:
    return f"artifacts/{tenant}/sha256/{digest}"

"""Artifacts in S3: `artifacts/<tenant>/sha256/<hex>`, shared within a tenant, never across."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aimass.domain.errors import ArtifactBusy
from aimass.domain.model import StoredFile
from aimass.domain.ports import ArtifactIndex

BUSY_SECONDS = 10.0  # a sweep holds an artifact for the time of one delete
_POLL_SECONDS = 0.25
_PRESENT = {"PreconditionFailed", "ConditionalRequestConflict"}


class CorruptArtifact(Exception):
    """Bytes in the store are not those of their address."""


class S3ArtifactStore:
    """The port `ArtifactStore` on one bucket. The index learns of each file before the bucket does."""

    def __init__(self, client: Any, bucket: str, index: ArtifactIndex, busy_seconds: float = BUSY_SECONDS) -> None:
        self._client = client
        self._bucket = bucket
        self._index = index
        self._busy_seconds = busy_seconds

    def put_file(self, tenant: str, path: str, source: Path) -> StoredFile:
        """Stores a file of up to 5 GiB under its digest, unless it is there already.

        Raises ArtifactBusy when a sweep has held it for 10 s.
        """
        with source.open("rb") as body:
            digest = hashlib.file_digest(body, "sha256").hexdigest()
            self._touch(tenant, digest)
            if not self._exists(tenant, digest):
                body.seek(0)
                self._put(artifact_key(tenant, digest), body)
        return StoredFile(path, digest, source.stat().st_size)

    def fetch(self, tenant: str, file: StoredFile, target: Path) -> None:
        """Writes the artifact's bytes to `target`, which appears whole or not at all. Raises CorruptArtifact."""
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{file.sha256[:16]}.partial")  # not longer than any name that is allowed
        self._client.download_file(self._bucket, artifact_key(tenant, file.sha256), str(partial))
        with partial.open("rb") as body:
            digest = hashlib.file_digest(body, "sha256").hexdigest()
        if digest != file.sha256:
            partial.unlink()
            raise CorruptArtifact(f"artifact {file.sha256} has digest {digest}")
        partial.replace(target)

    def uri(self, tenant: str, sha256: str) -> str:
        """Where the artifact lies, as `s3://bucket/key`."""
        return f"s3://{self._bucket}/{artifact_key(tenant, sha256)}"

    def download_url(self, tenant: str, file: StoredFile, seconds: int) -> str:
        """A URL that gives the file to whoever holds it, under the last part of its path, for that long."""
        parameters = {
            "Bucket": self._bucket,
            "Key": artifact_key(tenant, file.sha256),
            "ResponseContentDisposition": _disposition(file),
            "ResponseContentType": "application/octet-stream",
        }
        url: str = self._client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)
        return url

    def _touch(self, tenant: str, digest: str) -> None:
        deadline = time.monotonic() + self._busy_seconds
        while True:
            try:
                return self._index.touch(tenant, digest)
            except ArtifactBusy:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(_POLL_SECONDS)

    def _exists(self, tenant: str, digest: str) -> bool:
        try:
            self._client.head_object(Bucket=self._bucket, Key=artifact_key(tenant, digest))
        except self._client.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in {403, 404}:
                return False
            raise
        return True

    def _put(self, key: str, body: Any) -> None:
        # One PUT, streamed from the file: s3transfer's uploads in parts take no If-None-Match.
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, IfNoneMatch="*")
        except self._client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in _PRESENT:
                raise


def artifact_key(tenant: str, digest: str) -> str:
    """Where in the bucket an artifact lies."""
    return f"artifacts/{tenant}/sha256/{digest}"


def _disposition(file: StoredFile) -> str:
    name = file.path.rpartition("/")[2] or file.sha256
    return f"attachment; filename*=UTF-8''{quote(name, safe='', errors='replace')}"  # RFC 8187

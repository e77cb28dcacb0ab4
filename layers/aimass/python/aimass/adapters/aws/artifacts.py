"""Artifacts in S3: `artifacts/<tenant>/sha256/<hex>`, shared within a tenant, never across."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO
from urllib.parse import quote

from aimass.domain.errors import ArtifactBusy
from aimass.domain.files import Packed, StoredFile
from aimass.domain.ports import ArtifactIndex
from aimass.formats.packed import pack, pays, unpack

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

    def put_packed(self, tenant: str, path: str, source: Path) -> StoredFile:
        """As `put_file`, packed where that saves a tenth. Packing a file of 16 MiB takes some seconds."""
        size = source.stat().st_size
        with TemporaryDirectory() as folder:
            packed = Path(folder) / "packed"
            if not pays(pack(source, packed), size):
                return self.put_file(tenant, path, source)
            stored = self.put_file(tenant, path, packed)
        return StoredFile(path, _digest(source), size, packed=Packed(stored.sha256, stored.size))

    def fetch(self, tenant: str, file: StoredFile, target: Path) -> None:
        """Writes the file to `target`, which appears whole or not at all. Raises CorruptArtifact.

        A packed one takes its packed bytes beside it on the disk for as long as this takes.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        stored = partial(target, file.artifact)
        try:
            self._client.download_file(self._bucket, artifact_key(tenant, file.artifact), str(stored))
            check(file.artifact, _digest(stored))
            if file.packed:
                put_unpacked(file, stored, target)
            else:
                stored.replace(target)
        finally:
            stored.unlink(missing_ok=True)

    def uri(self, tenant: str, sha256: str) -> str:
        """Where the artifact lies, as `s3://bucket/key`."""
        return f"s3://{self._bucket}/{artifact_key(tenant, sha256)}"

    def download_url(self, tenant: str, file: StoredFile, seconds: int) -> str:
        """A URL that gives the file to whoever holds it, under the last part of its path, for that long.

        A packed file comes as it is stored, `.zst` after its name.
        """
        parameters = {
            "Bucket": self._bucket,
            "Key": artifact_key(tenant, file.artifact),
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


def partial(target: Path, digest: str) -> Path:
    """What becomes `target` is called so until it is whole: not longer than any name that is allowed."""
    return target.with_name(f".{digest[:16]}.partial")


def check(wanted: str, digest: str) -> None:
    """Raises CorruptArtifact where bytes have another digest."""
    if digest != wanted:
        raise CorruptArtifact(f"artifact {wanted} has digest {digest}")


def put_unpacked(file: StoredFile, stored: Path | BinaryIO, target: Path) -> None:
    """Makes `target` of a packed artifact's bytes, whole or not at all. Raises CorruptArtifact."""
    plain = partial(target, f"unpacked{file.sha256}")
    try:
        unpack(stored, plain, file.size)
        check(file.sha256, _digest(plain))
        plain.replace(target)
    except ValueError as error:
        raise CorruptArtifact(f"artifact {file.artifact} does not unpack to {file.sha256}: {error}") from error
    finally:
        plain.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as body:
        return hashlib.file_digest(body, "sha256").hexdigest()


def _disposition(file: StoredFile) -> str:
    name = (file.path.rpartition("/")[2] or file.sha256) + (".zst" if file.packed else "")
    return f"attachment; filename*=UTF-8''{quote(name, safe='', errors='replace')}"  # RFC 8187

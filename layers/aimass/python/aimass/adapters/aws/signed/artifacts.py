"""Artifacts in S3, as a prediction reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

from aimass.adapters.aws.artifacts import artifact_key, check, partial, put_unpacked
from aimass.adapters.aws.signed.connection import Connection
from aimass.domain.files import StoredFile
from aimass.domain.ports import ArtifactReader

#: What is larger is fetched in parts, several at once.
MOST_BYTES = 16 * 1024 * 1024


class SignedArtifacts:
    """The port `ArtifactReader`: small files in one call, the others through `open_store`.

    `prefix` is the bucket's part of a path, where it is not in the host's name.
    """

    def __init__(self, connection: Connection, prefix: str, open_store: Callable[[], ArtifactReader]) -> None:
        self._connection = connection
        self._prefix = prefix
        self._open_store = open_store

    def fetch(self, tenant: str, file: StoredFile, target: Path) -> None:
        """Writes the file to `target`, which appears whole or not at all. Raises CorruptArtifact."""
        if file.stored_size > MOST_BYTES:
            self._open_store().fetch(tenant, file, target)
            return
        path = f"{self._prefix}/{quote(artifact_key(tenant, file.artifact), safe='/~')}"
        body = self._connection.call("GET", path, {}, b"", "GetObject")
        check(file.artifact, hashlib.sha256(body).hexdigest())
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.packed:
            put_unpacked(file, BytesIO(body), target)
            return
        written = partial(target, file.artifact)
        written.write_bytes(body)
        written.replace(target)

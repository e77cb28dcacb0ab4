"""Artifacts in S3, as a prediction reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from aimass.adapters.aws.artifacts import CorruptArtifact, artifact_key
from aimass.adapters.aws.signed.connection import Connection
from aimass.domain.model import StoredFile
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
        """Writes the artifact's bytes to `target`, which appears whole or not at all. Raises CorruptArtifact."""
        if file.size > MOST_BYTES:
            self._open_store().fetch(tenant, file, target)
            return
        path = f"{self._prefix}/{quote(artifact_key(tenant, file.sha256), safe='/~')}"
        body = self._connection.call("GET", path, {}, b"", "GetObject")
        digest = hashlib.sha256(body).hexdigest()
        if digest != file.sha256:
            raise CorruptArtifact(f"artifact {file.sha256} has digest {digest}")
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{file.sha256[:16]}.partial")
        partial.write_bytes(body)
        partial.replace(target)

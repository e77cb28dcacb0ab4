"""Workspaces of compressions in S3: `compressions/<tenant>/<model>/<version>/<digest>/...`, kept for a week."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_OLD = timedelta(days=4)  # of the seven after which a file goes; a job takes less than what is left


class S3WorkspaceFiles:
    """The port `WorkspaceFiles` on the bucket of uploads."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def names(self, workspace: str) -> list[str]:
        """What lies there, relative to the workspace."""
        prefix = f"{workspace}/"
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return [entry["Key"].removeprefix(prefix) for page in pages for entry in page.get("Contents", [])]

    def fetch(self, workspace: str, names: Iterable[str], folder: Path) -> list[str]:
        """Writes those that are there into `folder`, and returns their names. A name is a path from the workspace.

        Listed first: where one may list a prefix only, a missing object looks like a forbidden one.
        """
        there = set(self.names(workspace))
        found = [name for name in names if name in there]
        for name in found:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            self._client.download_file(self._bucket, f"{workspace}/{name}", str(target))
        return found

    def store(self, workspace: str, names: Iterable[str], folder: Path) -> None:
        """Puts files of `folder` there, one after another."""
        for name in names:
            self._client.upload_file(str(folder / name), self._bucket, f"{workspace}/{name}")

    def renew(self, workspace: str) -> None:
        """Has the week of what lies there long begin anew, but for what is of single jobs."""
        prefix, before = f"{workspace}/", datetime.now(UTC) - _OLD
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        for entry in [entry for page in pages for entry in page.get("Contents", [])]:
            key = entry["Key"]
            if entry["LastModified"] < before and not key.startswith(f"{prefix}jobs/"):
                again = {"MetadataDirective": "REPLACE"}  # nothing is copied onto itself without
                self._client.copy({"Bucket": self._bucket, "Key": key}, self._bucket, key, ExtraArgs=again)

    def get_url(self, workspace: str, name: str, seconds: int) -> str:
        """A URL that gives a file, for that long."""
        return self._signed("get_object", workspace, name, seconds)

    def put_url(self, workspace: str, name: str, seconds: int) -> str:
        """A URL that takes one PUT's body after another, for that long."""
        return self._signed("put_object", workspace, name, seconds)

    def _signed(self, operation: str, workspace: str, name: str, seconds: int) -> str:
        parameters = {"Bucket": self._bucket, "Key": f"{workspace}/{name}"}
        url: str = self._client.generate_presigned_url(operation, Params=parameters, ExpiresIn=seconds)
        return url

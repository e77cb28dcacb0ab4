"""Examples for compressions in S3: `data/<tenant>/<folder>/...`, kept for 35 days."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from aimass.domain.errors import InvalidArguments, NotFound
from aimass.domain.jobs import SourceFile

_GONE = {403, 404}
_MOST_PAGES = 10  # of 1,000: a call to the API waits for them


class S3ExampleFiles:
    """The port `ExampleFiles` on the bucket of uploads, which is versioned and tells of its objects."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def upload_url(self, tenant: str, folder: str, filename: str, size: int, seconds: int) -> str:
        """A URL that takes a PUT of exactly `size` bytes, for that long."""
        key = f"{examples_folder(tenant, folder)}{filename}"
        parameters = {"Bucket": self._bucket, "Key": key, "ContentLength": size}
        url: str = self._client.generate_presigned_url("put_object", Params=parameters, ExpiresIn=seconds)
        return url

    def list_folder(self, tenant: str, folder: str, most: int) -> list[SourceFile]:
        """The newest versions of what lies under the folder, by key, `most` at most; paths are relative to it.

        Raises InvalidArguments where so many old versions lie there that reading past them all takes too long.
        """
        prefix = examples_folder(tenant, folder)
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix)
        found: list[SourceFile] = []
        for at, page in enumerate(pages):
            found += [_source(entry, prefix) for entry in page.get("Versions", []) if _counts(entry)]
            if len(found) >= most:
                break
            if at + 1 == _MOST_PAGES and page["IsTruncated"]:
                told = "more than {} files, old versions of them among these, lie under data/{}/{}/; use another folder"
                wrong = told.format(_MOST_PAGES * 1000, tenant, folder)
                raise InvalidArguments.of_fields({"data.prefix": wrong})
        return found[:most]

    def download(self, file: SourceFile, target: Path) -> None:
        """Writes the pinned object version to `target`. Raises NotFound once it has expired or was deleted."""
        target.parent.mkdir(parents=True, exist_ok=True)
        pinned = {"VersionId": file.version_id}
        try:
            self._client.download_file(self._bucket, file.key, str(target), ExtraArgs=pinned)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in _GONE:
                raise NotFound(f"the example {file.path!r} is there no longer; send it again") from error
            raise


def examples_folder(tenant: str, folder: str) -> str:
    """The key that all of a folder's objects begin with."""
    return f"data/{tenant}/{folder}/"


def _source(entry: dict[str, Any], prefix: str) -> SourceFile:
    return SourceFile(entry["Key"].removeprefix(prefix), entry["Key"], entry["VersionId"], entry["Size"])


def _counts(entry: dict[str, Any]) -> bool:
    """Whether it is a file as it is now: S3's own console marks a folder by an empty object whose name ends in '/'."""
    return bool(entry["IsLatest"]) and not entry["Key"].endswith("/")

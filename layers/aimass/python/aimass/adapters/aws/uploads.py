"""Uploads in S3: `uploads/<tenant>/<model>/...` in a versioned bucket, every read pinned to an object version."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, BinaryIO

from botocore.exceptions import ClientError

from aimass.domain.errors import UploadIncomplete, UploadNotFound
from aimass.domain.jobs import SourceFile
from aimass.domain.ports import ObjectMarks

URL_SECONDS = 3600
_JOB, _ACCEPT_DRIFT = "job-id", "accept-drift"


class S3UploadStore:
    """The port `UploadStore` on one bucket."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, body: BinaryIO, job_id: str) -> None:
        """Stores a whole upload; its event starts the job."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, Metadata={_JOB: job_id})

    def start_multipart(self, key: str, job_id: str) -> str:
        """Opens an upload in parts, and returns the store's id of it."""
        answer = self._client.create_multipart_upload(Bucket=self._bucket, Key=key, Metadata={_JOB: job_id})
        return str(answer["UploadId"])

    def part_url(self, key: str, storage_id: str, number: int, size: int) -> str:
        """A URL that takes exactly `size` bytes as part `number`, for an hour."""
        parameters = {
            "Bucket": self._bucket,
            "Key": key,
            "UploadId": storage_id,
            "PartNumber": number,
            "ContentLength": size,
        }
        url: str = self._client.generate_presigned_url("upload_part", Params=parameters, ExpiresIn=URL_SECONDS)
        return url

    def list_parts(self, key: str, storage_id: str) -> dict[int, tuple[str, int]]:
        """What has arrived: part number to (etag, bytes). Raises UploadNotFound once completed, aborted or expired."""
        pages = self._client.get_paginator("list_parts").paginate(Bucket=self._bucket, Key=key, UploadId=storage_id)
        try:
            return {
                part["PartNumber"]: (part["ETag"], part["Size"]) for page in pages for part in page.get("Parts", [])
            }
        except ClientError as error:
            raise _translated(error) from error

    def complete_multipart(self, key: str, storage_id: str, parts: list[tuple[int, str]]) -> None:
        """Makes one object of the parts. Raises UploadIncomplete for an etag that isn't the part's."""
        listed = [{"PartNumber": number, "ETag": etag} for number, etag in parts]
        try:
            self._client.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=storage_id, MultipartUpload={"Parts": listed}
            )
        except ClientError as error:
            raise _translated(error) from error

    def abort_multipart(self, key: str, storage_id: str) -> None:
        """Drops what has arrived. Raises UploadNotFound once completed, aborted or expired."""
        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=storage_id)
        except ClientError as error:
            raise _translated(error) from error

    def marks_of(self, key: str, version_id: str) -> ObjectMarks:
        """Of the object's metadata: `job-id` is our own API's, `accept-drift: true` that of any S3 client."""
        marks = self._client.head_object(Bucket=self._bucket, Key=key, VersionId=version_id)["Metadata"]
        return ObjectMarks(marks.get(_JOB), marks.get(_ACCEPT_DRIFT, "").lower() == "true")

    def list_folder(self, prefix: str) -> list[SourceFile]:
        """The newest versions of all objects under the prefix; paths are relative to it."""
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix)
        return [
            SourceFile(entry["Key"].removeprefix(prefix), entry["Key"], entry["VersionId"], entry["Size"])
            for page in pages
            for entry in page.get("Versions", [])
            if entry["IsLatest"]
        ]

    def download(self, file: SourceFile, target: Path) -> str:
        """Writes the pinned object version to `target`, and returns its SHA-256."""
        target.parent.mkdir(parents=True, exist_ok=True)
        pinned = {"VersionId": file.version_id}
        self._client.download_file(self._bucket, file.key, str(target), ExtraArgs=pinned)
        with target.open("rb") as body:
            return hashlib.file_digest(body, "sha256").hexdigest()


def _translated(error: Exception) -> Exception:
    answer = vars(error)["response"]["Error"]
    code = answer["Code"]
    if code in {"NoSuchUpload", "404"}:
        return UploadNotFound("this upload was completed, aborted or has expired; create a new one")
    if code in {"InvalidPart", "InvalidPartOrder", "EntityTooSmall"}:
        return UploadIncomplete(f"the parts named do not match those that arrived: {answer['Message']}")
    return error

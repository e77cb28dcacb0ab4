"""Bodies and answers of prediction jobs in S3: `predictions/in/...` and `predictions/out/...`, kept for a week."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from aimass.domain.errors import NotFound
from aimass.domain.jobs import PredictionAnswer

URL_SECONDS = 3600
# 403 says it to those who may not list the bucket, as our functions may not.
_GONE = {403, 404}


class S3PredictionFiles:
    """The port `PredictionFiles` on the bucket of uploads, which is versioned and tells of its objects."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put_input(self, key: str, body: bytes, content_type: str) -> None:
        """Stores a call's body; its event starts the job."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)

    def input_url(self, key: str, size: int, content_type: str) -> str:
        """A URL that takes a PUT of exactly `size` bytes of that type, for an hour."""
        parameters = {"Bucket": self._bucket, "Key": key, "ContentLength": size, "ContentType": content_type}
        return self._signed("put_object", parameters)

    def find_input(self, key: str) -> str | None:
        """The version of the body that was stored last, or None where there is none."""
        try:
            found: str = self._client.head_object(Bucket=self._bucket, Key=key)["VersionId"]
        except ClientError as error:
            if _is_gone(error):
                return None
            raise
        return found

    def read_input(self, key: str, version_id: str) -> bytes:
        """The body. Raises NotFound once it has expired."""
        return self._read(key, version_id)

    def repeat_input(self, key: str, version_id: str, content_type: str) -> None:
        """Stores the same body again, and so starts the job again. Raises NotFound once it has expired."""
        source = {"Bucket": self._bucket, "Key": key, "VersionId": version_id}
        # S3 copies an object onto itself only where that changes something: its metadata are said anew.
        changed = {"MetadataDirective": "REPLACE", "ContentType": content_type}
        try:
            self._client.copy_object(Bucket=self._bucket, Key=key, CopySource=source, **changed)
        except ClientError as error:
            raise _translated(error) from error

    def put_answer(self, key: str, body: bytes, content_type: str) -> str:
        """Stores an answer's body, and returns its version."""
        stored = self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)
        return str(stored["VersionId"])

    def read_answer(self, answer: PredictionAnswer) -> bytes:
        """The answer's body. Raises NotFound once it has expired."""
        return self._read(answer.key, answer.version_id)

    def answer_url(self, answer: PredictionAnswer) -> str:
        """A URL that answers the body, for an hour."""
        return self._signed("get_object", self._pinned(answer.key, answer.version_id))

    def _read(self, key: str, version_id: str) -> bytes:
        try:
            body: bytes = self._client.get_object(**self._pinned(key, version_id))["Body"].read()
        except ClientError as error:
            raise _translated(error) from error
        return body

    def _pinned(self, key: str, version_id: str) -> Mapping[str, str]:
        return {"Bucket": self._bucket, "Key": key, "VersionId": version_id}

    def _signed(self, operation: str, parameters: Mapping[str, Any]) -> str:
        url: str = self._client.generate_presigned_url(operation, Params=parameters, ExpiresIn=URL_SECONDS)
        return url


def _translated(error: ClientError) -> Exception:
    return NotFound("it has expired") if _is_gone(error) else error


def _is_gone(error: ClientError) -> bool:
    return error.response["ResponseMetadata"]["HTTPStatusCode"] in _GONE

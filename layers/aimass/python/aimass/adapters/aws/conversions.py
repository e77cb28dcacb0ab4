"""Orders and results of conversions in S3: `conversions/<tenant>/<job>/<attempt>/...`, kept for a week."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from aimass.domain.errors import NotFound, PayloadTooLarge

_CHUNK = 1 << 20
# 403 says it to those who may not list the bucket, as our functions may not.
_MISSING = {403, 404}


class S3ConversionFiles:
    """The port `ConversionFiles` on the bucket of uploads."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put_order(self, key: str, body: bytes, seconds: int) -> str:
        """Stores an order; returns the URL that gives it, for that long."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")
        return self._signed("get_object", key, seconds)

    def put_url(self, key: str, seconds: int) -> str:
        """A URL that takes one PUT's body after another, for that long."""
        return self._signed("put_object", key, seconds)

    def read(self, key: str, most: int) -> bytes:
        """A whole object. Raises NotFound; PayloadTooLarge for one of more than `most` bytes."""
        body: bytes = self._opened(key, most).read()
        return body

    def fetch(self, key: str, target: Path, most: int) -> None:
        """Writes an object to `target`. Raises what `read` does."""
        body = self._opened(key, most)
        with target.open("wb") as out:
            for chunk in body.iter_chunks(_CHUNK):
                out.write(chunk)

    def _opened(self, key: str, most: int) -> Any:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in _MISSING:
                raise NotFound("the conversion left no such file") from error
            raise
        if answer["ContentLength"] > most:
            answer["Body"].close()
            raise PayloadTooLarge(f"the conversion left {answer['ContentLength']} bytes where {most} may be")
        return answer["Body"]

    def _signed(self, operation: str, key: str, seconds: int) -> str:
        parameters = {"Bucket": self._bucket, "Key": key}
        url: str = self._client.generate_presigned_url(operation, Params=parameters, ExpiresIn=seconds)
        return url

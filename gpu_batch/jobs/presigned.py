"""Files through presigned URLs. A URL is a secret until it expires: none is printed and none is in an error."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any, BinaryIO

import urllib3

from aimass.domain.errors import DigestMismatch
from jobs.order import File

_CHUNK = 1 << 20
_LONGEST_ORDER = 4 << 20
_MISSING = (403, 404)  # S3 says 403 to whoever may not list
_RETRIES = urllib3.Retry(total=4, backoff_factor=1, status_forcelist=(500, 502, 503, 504), raise_on_status=False)
_TIMEOUT = urllib3.Timeout(connect=10, read=60)
_IN_PASSING = urllib3.Timeout(connect=2, read=2)

logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings quote the whole URL


class TransferFailed(RuntimeError):
    """S3 could not be reached or answered an error; trying the job again may help."""


class Presigned:
    """Downloads and uploads. Every method raises TransferFailed."""

    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(retries=_RETRIES, timeout=_TIMEOUT)

    def read(self, what: str, url: str) -> bytes:
        """A short document, at most 4 MiB."""
        answer = self._request(what, "GET", url, preload_content=False)
        try:
            body: bytes = answer.read(_LONGEST_ORDER + 1)
        except urllib3.exceptions.HTTPError as error:
            raise TransferFailed(f"{what} broke off: {type(error).__name__}") from None
        finally:
            answer.release_conn()
        if len(body) > _LONGEST_ORDER:
            raise TransferFailed(f"{what} is longer than {_LONGEST_ORDER} bytes")
        return body

    def download(self, file: File, target: Path) -> None:
        """Writes a file. Raises DigestMismatch for other bytes than announced; no more than those are written."""
        target.parent.mkdir(parents=True, exist_ok=True)
        answer = self._request(file.path, "GET", file.url, preload_content=False)
        digest, left = hashlib.sha256(), file.size
        try:
            with target.open("wb") as out:
                for chunk in answer.stream(_CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        break
                    digest.update(chunk)
                    out.write(chunk)
        except urllib3.exceptions.HTTPError as error:
            raise TransferFailed(f"{file.path} broke off: {type(error).__name__}") from None
        finally:
            answer.close()
        if left or digest.hexdigest() != file.sha256:
            raise DigestMismatch(f"{file.path} is not the file that was announced", path=file.path)

    def fetch(self, what: str, url: str, target: Path, most: int) -> bool:
        """Writes a file of which no more is known than that it has `most` bytes at most; False where there is none.

        It lies at `target` as a whole or not at all.
        """
        answer = self._answer(what, "GET", url, preload_content=False)
        if answer.status in _MISSING:
            answer.release_conn()
            return False
        _check(what, answer)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.part")
        try:
            with part.open("wb") as out:
                for chunk in answer.stream(_CHUNK):
                    if out.tell() + len(chunk) > most:
                        raise TransferFailed(f"{what} has more than {most} bytes")
                    out.write(chunk)
            part.replace(target)
        except urllib3.exceptions.HTTPError as error:
            raise TransferFailed(f"{what} broke off: {type(error).__name__}") from None
        finally:
            part.unlink(missing_ok=True)
            answer.close()
        return True

    def write(self, what: str, url: str, body: bytes) -> None:
        """Puts a JSON document."""
        self._request(what, "PUT", url, body=body, headers={"Content-Type": "application/json"})

    def touch(self, what: str, url: str) -> None:
        """Puts an empty object, if that can be done at once."""
        self._request(what, "PUT", url, body=b"", retries=False, timeout=_IN_PASSING)

    def upload(self, what: str, url: str, file: BinaryIO, size: int) -> None:
        """Puts an open file of `size` bytes."""
        # With its length: S3 takes no chunked body.
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        self._request(what, "PUT", url, body=file, headers=headers)

    def _request(self, what: str, method: str, url: str, **options: Any) -> urllib3.BaseHTTPResponse:
        answer = self._answer(what, method, url, **options)
        _check(what, answer)
        return answer

    def _answer(self, what: str, method: str, url: str, **options: Any) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool.request(method, url, **options)
        except urllib3.exceptions.HTTPError as error:
            raise TransferFailed(f"{what} could not be reached: {type(error).__name__}") from None


def _check(what: str, answer: urllib3.BaseHTTPResponse) -> None:
    if answer.status >= 300:
        answer.release_conn()
        raise TransferFailed(f"{what} answered {answer.status}")

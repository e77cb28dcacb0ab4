"""One kept connection to a service; what fails in passing is sent again."""

from __future__ import annotations

import http.client
import json
import random
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol
from urllib.parse import urlsplit

from aimass.adapters.aws.signed.credentials import Credentials, NoCredentials
from aimass.adapters.aws.signed.signature import Call, Scope, signed_headers

_TRIES = 4
_SECONDS = 2.0  # of silence, until a call counts as lost
# No try begins later: with its silence that is less than the five seconds that the authorizer has.
_LAST_TRY_SECONDS = 2.5
_FIRST_WAIT = 0.1
_PASSING = {429, 500, 502, 503, 504}
_THROTTLED = ("ProvisionedThroughputExceeded", "ThrottlingException", "RequestLimitExceeded", "TransactionInProgress")


@dataclass(frozen=True)
class Reply:
    """What a service answered."""

    status: int
    body: bytes

    @property
    def passes(self) -> bool:
        """Whether the same call may be answered otherwise in a moment."""
        return self.status in _PASSING or (self.status == 400 and any(one in self.code for one in _THROTTLED))

    @property
    def code(self) -> str:
        """The error's code, as DynamoDB and S3 say it; the status where neither does."""
        if self.body[:1] == b"{":
            with suppress(ValueError):
                return str(json.loads(self.body).get("__type", self.status)).rpartition("#")[2]
        return self.body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode() or str(self.status)


class Transport(Protocol):
    """http.client.HTTPConnection, as far as it is used."""

    def request(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> None: ...

    def getresponse(self) -> Any: ...

    def close(self) -> None: ...


def opener(url: str) -> Callable[[], Transport]:
    """Makes connections to the host of an http or https URL; only a call connects."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "http":
        return lambda: http.client.HTTPConnection(host, parts.port, timeout=_SECONDS)
    trusted = ssl.create_default_context()
    return lambda: http.client.HTTPSConnection(host, parts.port, timeout=_SECONDS, context=trusted)


class Connection:
    """Safe to share among threads, which take turns."""

    def __init__(
        self,
        url: str,
        scope: Scope,
        credentials: Credentials,
        connect: Callable[[], Transport] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host = urlsplit(url).netloc
        self._scope = scope
        self._credentials = credentials
        self._connect = connect or opener(url)
        self._sleep = sleep
        self._clock = clock
        self._open: Transport | None = None
        self._lock = Lock()

    def call(self, method: str, path: str, headers: dict[str, str], body: bytes, operation: str) -> bytes:
        """The body of a call that may be made more than once.

        Raises botocore's ClientError for what the service refuses, its HTTPClientError where it cannot be reached.
        """
        request = Call(method, self._host, path, headers, body)
        last_try = self._clock() + _LAST_TRY_SECONDS
        reply = self._try(request)
        for tries in range(1, _TRIES):
            if isinstance(reply, Reply) and not reply.passes:
                break
            # A connection may have closed while the function was frozen: then the second try is made at once.
            longest = _FIRST_WAIT * 2 ** (tries - 1) if tries > 1 or isinstance(reply, Reply) else 0.0
            wait = random.uniform(longest / 2, longest)  # noqa: S311 jitter
            if self._clock() + wait > last_try:
                break
            if wait:
                self._sleep(wait)
            reply = self._try(request)
        if isinstance(reply, Reply) and reply.status == 200:
            return reply.body
        raise _error(reply, operation)

    def _try(self, request: Call) -> Reply | Exception:
        with self._lock:
            try:
                headers = signed_headers(request, self._scope, self._credentials.keys(), time.time())
                if self._open is None:
                    self._open = self._connect()
                self._open.request(request.method, request.path, request.body, headers)
                answer = self._open.getresponse()
                return Reply(answer.status, answer.read())
            except (OSError, http.client.HTTPException, NoCredentials) as error:
                if self._open is not None:
                    self._open.close()
                self._open = None
                return error


def _error(reply: Reply | Exception, operation: str) -> Exception:
    # Whoever handles them knows these; importing them takes 15 ms.
    from botocore.exceptions import ClientError, HTTPClientError

    if isinstance(reply, Exception):
        lost: Exception = HTTPClientError(error=reply)
        return lost
    told = {"Code": reply.code, "Message": reply.body[:300].decode(errors="replace")}
    refused: Exception = ClientError({"Error": told, "ResponseMetadata": {"HTTPStatusCode": reply.status}}, operation)
    return refused

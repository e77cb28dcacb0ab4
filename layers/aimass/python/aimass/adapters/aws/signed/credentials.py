"""The credentials of a function's role: in its environment, or, after a restore, from its own host.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

from __future__ import annotations

import json
import time
from calendar import timegm
from collections.abc import Callable, Mapping
from http.client import HTTPConnection
from urllib.parse import urlsplit

from aimass.adapters.aws.signed.signature import Keys

_URI, _TOKEN = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"
_OWN_HOSTS = {"127.0.0.1", "localhost", "169.254.170.2", "169.254.170.23"}
_BEFORE_EXPIRY = 600.0
_SECONDS = 5.0

#: The body of a GET of a URI with an `authorization` header.
Fetch = Callable[[str, str], bytes]


class NoCredentials(Exception):
    """Whoever hands out the role's credentials did not."""


def has_credentials(environment: Mapping[str, str]) -> bool:
    """Whether `Credentials` finds keys there."""
    uri = urlsplit(environment.get(_URI, ""))
    return "AWS_ACCESS_KEY_ID" in environment or (uri.scheme == "http" and uri.hostname in _OWN_HOSTS)


def fetch(uri: str, token: str) -> bytes:
    """Raises OSError, NoCredentials."""
    parts = urlsplit(uri)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=_SECONDS)
    try:
        connection.request("GET", parts.path, headers={"authorization": token} if token else {})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise NoCredentials(f"the host answered {answer.status}")
    return body


class Credentials:
    """Keys that are valid for ten minutes at least, read when asked for: a snapshot holds none."""

    def __init__(
        self, environment: Mapping[str, str], get: Fetch = fetch, clock: Callable[[], float] = time.time
    ) -> None:
        self._environment = environment
        self._get = get
        self._clock = clock
        self._fetched: Keys | None = None

    def keys(self) -> Keys:
        """Raises OSError, NoCredentials."""
        environment = self._environment
        if access := environment.get("AWS_ACCESS_KEY_ID"):
            return Keys(access, environment["AWS_SECRET_ACCESS_KEY"], environment.get("AWS_SESSION_TOKEN"))
        known = self._fetched
        if known is None or (known.expires_at or 0) - _BEFORE_EXPIRY <= self._clock():
            known = self._fetched = _keys(self._get(environment[_URI], environment.get(_TOKEN, "")))
        return known


def _keys(document: bytes) -> Keys:
    try:
        found = json.loads(document)
        expires_at = timegm(time.strptime(found["Expiration"], "%Y-%m-%dT%H:%M:%SZ"))
        return Keys(found["AccessKeyId"], found["SecretAccessKey"], found["Token"], expires_at)
    except (ValueError, KeyError, TypeError) as error:
        raise NoCredentials(f"the host's answer is no credentials: {type(error).__name__}") from error

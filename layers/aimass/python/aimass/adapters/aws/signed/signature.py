"""Signature Version 4 of requests without a query string.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Keys:
    """What requests are signed with, and the Unix time at which it expires, if it does."""

    access: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    expires_at: float | None = None


@dataclass(frozen=True)
class Call:
    """A request; `path` as it goes over the wire, percent-encoded."""

    method: str
    host: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Scope:
    """Where a signature holds."""

    service: str
    region: str


def signed_headers(call: Call, scope: Scope, keys: Keys, moment: float) -> dict[str, str]:
    """The call's headers, lower case, with those that sign it at that Unix time."""
    at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))
    digest = hashlib.sha256(call.body).hexdigest()
    headers = {**call.headers, "host": call.host, "x-amz-date": at}
    if scope.service == "s3":
        headers["x-amz-content-sha256"] = digest
    if keys.token:
        headers["x-amz-security-token"] = keys.token
    names = sorted(headers)
    signed = ";".join(names)
    canonical = "\n".join(
        (call.method, call.path, "", *(f"{name}:{headers[name].strip()}" for name in names), "", signed, digest)
    )
    within = f"{at[:8]}/{scope.region}/{scope.service}/aws4_request"
    text = "\n".join((_ALGORITHM, at, within, hashlib.sha256(canonical.encode()).hexdigest()))
    signature = hmac.new(_signing_key(keys.secret, within), text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"{_ALGORITHM} Credential={keys.access}/{within}, SignedHeaders={signed}, Signature={signature}"
    )
    return headers


def _signing_key(secret: str, within: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in within.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key

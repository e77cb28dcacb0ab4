"""HTTP as API Gateway's HTTP API hands it to a function and takes it back (payload format 2.0)."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pybase64

from aimass.domain.description import Batching
from aimass.domain.errors import InternalError, InvalidArguments, PayloadTooLarge

MAX_BODY_BYTES = 64 * 1024 * 1024
#: A synchronous invocation answers with 6,291,556 bytes at most, the body as a JSON string among them.
MAX_ANSWER_BYTES = 6_200_000
_LONGEST_ESCAPE = 6  # one byte of text as \\u0000
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_GZIP = 16 + zlib.MAX_WBITS
_GZIP_MAGIC = b"\x1f\x8b"
_WINDOW = 1 << 16  # bytes
_MOST_MEMBERS = 10_000
_WORTH_CODING = 1024  # bytes; below that a packet is a packet
_FASTEST = 1


@dataclass(frozen=True)
class HttpRequest:
    """A request: header names in lower case, the path decoded by the gateway, the body as it was sent."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    tenant: str | None
    request_id: str

    @property
    def owner(self) -> str:
        """The tenant. Raises InternalError on a route that no authorizer guards."""
        if self.tenant is None:
            raise InternalError("no tenant was authorized for this route")
        return self.tenant


@dataclass(frozen=True)
class HttpResponse:
    """A response. `facts` are for the log: which model and version answered.

    `batching` is how many calls like this one may run together, and how long they may wait; None where it runs alone.
    """

    status: int
    body: bytes
    headers: Mapping[str, str]
    facts: Mapping[str, Any] = field(default_factory=dict)
    batching: Batching | None = None

    @property
    def is_text(self) -> bool:
        """Whether the body is JSON text, not binary and not coded."""
        is_json = self.headers.get("content-type", "").startswith("application/json")
        return is_json and "content-encoding" not in self.headers


def request_of(event: Mapping[str, Any]) -> HttpRequest:
    """The request in an API Gateway HTTP API event. A base64 body is decoded; gzip is left to `plain_body`."""
    context = event["requestContext"]
    body = event.get("body") or ""
    authorized = (context.get("authorizer") or {}).get("lambda") or {}
    return HttpRequest(
        method=context["http"]["method"],
        path=event["rawPath"],
        query=event.get("queryStringParameters") or {},
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        body=pybase64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode(),
        tenant=authorized.get("tenant"),
        request_id=context["requestId"],
    )


def plain_body(request: HttpRequest) -> bytes:
    """The body without its gzip or deflate coding.

    Raises InvalidArguments for another coding or broken data, PayloadTooLarge beyond MAX_BODY_BYTES.
    """
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding in {"", "identity"}:
        return request.body
    if coding not in {"gzip", "x-gzip", "deflate"}:
        raise InvalidArguments(f"content-encoding {coding!r} is not taken; send gzip, deflate or none")
    return _inflate(request.body)


def _inflate(body: bytes) -> bytes:
    """Every member of a gzip body (RFC 1952 allows several), or one zlib stream. It is fed in windows, for zlib copies
    what lies behind a member.
    """
    plain: list[bytes] = []
    at = members = size = 0
    while at < len(body) or not members:
        inflater = _next_member(body, at, members)
        while not inflater.eof:
            window = body[at : at + _WINDOW]
            if not window:
                raise InvalidArguments("the compressed body ends early")
            plain.append(_window(inflater, window, MAX_BODY_BYTES + 1 - size))
            size += len(plain[-1])
            if size > MAX_BODY_BYTES:
                told = f"the body decompresses to more than {MAX_BODY_BYTES} bytes"
                raise PayloadTooLarge(told, limit=MAX_BODY_BYTES)
            at += len(window) - len(inflater.unused_data)
        members += 1
    return b"".join(plain)


def _next_member(body: bytes, at: int, members: int) -> zlib._Decompress:
    if not members:
        return zlib.decompressobj(_GZIP_OR_ZLIB)
    if not body.startswith(_GZIP_MAGIC) or not body.startswith(_GZIP_MAGIC, at):
        raise InvalidArguments(f"the compressed body ends at byte {at}, and {len(body) - at} bytes follow")
    if members == _MOST_MEMBERS:
        raise InvalidArguments(f"the compressed body has more than {_MOST_MEMBERS} gzip members")
    return zlib.decompressobj(_GZIP)


def _window(inflater: zlib._Decompress, window: bytes, most: int) -> bytes:
    try:
        return inflater.decompress(window, most)
    except zlib.error as error:
        raise InvalidArguments(f"the compressed body cannot be read: {error}") from error


def coded(response: HttpResponse, request: HttpRequest) -> HttpResponse:
    """The response, gzip-coded where the caller asks for that and it makes it shorter."""
    wanted = request.headers.get("accept-encoding", "")
    if len(response.body) < _WORTH_CODING or "content-encoding" in response.headers or not _takes_gzip(wanted):
        return response
    body = zlib.compress(response.body, _FASTEST, _GZIP)
    if len(body) >= len(response.body):
        return response
    headers = {**response.headers, "content-encoding": "gzip", "vary": "accept-encoding"}
    return replace(response, body=body, headers=headers)


def _takes_gzip(accepted: str) -> bool:
    """Whether `Accept-Encoding` (RFC 9110, 12.5.3) gives gzip, or else any coding, a weight above 0."""
    weights = {}
    for one in accepted.lower().split(","):
        name, _, parameters = one.partition(";")
        weights[name.strip()] = _weight(parameters)
    return max((weights[one] for one in ("gzip", "x-gzip") if one in weights), default=weights.get("*", 0.0)) > 0


def _weight(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def proxy_answer(response: HttpResponse) -> dict[str, Any]:
    """The answer in the form that a Lambda proxy integration takes: JSON as text, anything else as base64."""
    body = response.body.decode() if response.is_text else pybase64.b64encode_as_string(response.body)
    return {
        "statusCode": response.status,
        "headers": dict(response.headers),
        "body": body,
        "isBase64Encoded": not response.is_text,
    }


def check_size(response: HttpResponse) -> None:
    """Raises PayloadTooLarge for an answer that a synchronous call cannot carry."""
    size = _wire_size(response)
    if size > MAX_ANSWER_BYTES:
        raise PayloadTooLarge(
            f"the answer takes {size} bytes and one call carries {MAX_ANSWER_BYTES}; send fewer rows a call, ask for "
            "binary outputs at /v2/models/{model}/infer, name only the outputs you need, or send the call to "
            "POST /api/v1/models/{model}/predictions: a job's answer has any size",
            size=size,
            limit=MAX_ANSWER_BYTES,
        )


def _wire_size(response: HttpResponse) -> int:
    if not response.is_text:
        return (len(response.body) + 2) // 3 * 4
    if len(response.body) * _LONGEST_ESCAPE < MAX_ANSWER_BYTES:
        return len(response.body)
    return len(json.dumps(response.body.decode()))

"""A function's result as an HTTP response: payload format 2.0, and the gateway's own answers."""

from __future__ import annotations

import binascii
import json
import re
from typing import Any

import pybase64

from local.http_server import Response
from local.runtime.result import Result, read_json

JSON = ("content-type", "application/json")
TEXT = ("content-type", "text/plain; charset=utf-8")
BREAK = re.compile("[\r\n\0]")
# The gateway sets these itself.
OWN = frozenset({"connection", "content-length", "date", "keep-alive", "transfer-encoding", "upgrade"})
MESSAGES = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    413: "Request Entity Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class MalformedResult(ValueError):
    """What the function returned is no response in format 2.0."""


def gateway_answer(status: int) -> Response:
    """What API Gateway itself says, in its own words."""
    return Response(status, json.dumps({"message": MESSAGES[status]}).encode(), [JSON])


def function_answer(result: Result) -> Response:
    """Raises MalformedResult."""
    try:
        answer = result.answer if result.answer is not None or not result.payload else read_json(result.payload)
    except ValueError as error:
        raise MalformedResult("the result is not JSON") from error
    if isinstance(answer, dict) and "statusCode" in answer:
        return _structured(answer)
    if isinstance(answer, str):
        return Response(200, answer.encode(), [JSON])
    return Response(200, result.payload or json.dumps(answer).encode(), [JSON])


def _structured(result: dict[str, Any]) -> Response:
    headers = _headers(result)
    if all(name != "content-type" for name, _ in headers):
        headers.append(TEXT)
    return Response(_status(result["statusCode"]), _body(result), headers)


def _status(value: Any) -> int:
    try:
        status = int(value)
    except (TypeError, ValueError):
        status = 0
    if not 200 <= status <= 599:
        raise MalformedResult(f"statusCode {value!r}")
    return status


def _body(result: dict[str, Any]) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedResult("body is not a string")
    if not result.get("isBase64Encoded"):
        return body.encode("utf-8", "surrogatepass")
    try:
        return pybase64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise MalformedResult("body is not Base64") from error


def _headers(result: dict[str, Any]) -> list[tuple[str, str]]:
    headers = result.get("headers") or {}
    cookies = result.get("cookies") or []
    if not isinstance(headers, dict) or not isinstance(cookies, list):
        raise MalformedResult("headers or cookies")
    lines = [(name.lower(), _text(value)) for name, value in headers.items()]
    lines += [("set-cookie", _text(cookie)) for cookie in cookies]
    if BREAK.search("".join([f"{name}{value}" for name, value in lines])):
        raise MalformedResult("a line break in a header")
    return [line for line in lines if line[0] not in OWN]


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    raise MalformedResult(f"a header of type {type(value).__name__}")

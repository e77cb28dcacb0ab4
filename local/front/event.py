"""An HTTP request as API Gateway hands it to a function: payload format 2.0."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import parse_qsl, unquote

import pybase64

from local.aws import ACCOUNT, REGION
from local.http_server import Request

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
TEXT = re.compile(r"text/|application/(json|xml|javascript)\b|application/[^;\s]+\+(json|xml)\b", re.IGNORECASE)
# The gateway ends the connection and frames the body itself.
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "expect", "upgrade", "te", "trailer"})
DAY = "%d/%b/%Y:%H:%M:%S +0000"


class Call:
    """A request on its way through the front, under the id that its answer carries."""

    __slots__ = ("api_id", "encoded_path", "headers", "path", "query", "request", "request_id", "stage")

    def __init__(self, request: Request, request_id: str, api_id: str, stage: str) -> None:
        self.request = request
        self.request_id = request_id
        self.api_id = api_id
        self.stage = stage
        self.encoded_path, _, rest = request.target.partition("?")
        self.query = rest.partition("#")[0]
        self.path = unquote(self.encoded_path)
        self.headers = _headers(request)

    @property
    def query_parameters(self) -> dict[str, str]:
        joined: dict[str, str] = {}
        for name, value in parse_qsl(self.query, keep_blank_values=True) if self.query else ():
            joined[name] = f"{joined[name]},{value}" if name in joined else value
        return joined

    def context(self, route_key: str) -> dict[str, Any]:
        now = time.time()
        host = self.headers.get("host", "")
        return {
            "accountId": ACCOUNT,
            "apiId": self.api_id,
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "http": {
                "method": self.request.method,
                "path": self.path,
                "protocol": self.request.protocol,
                "sourceIp": self.request.peer,
                "userAgent": self.headers.get("user-agent", ""),
            },
            "requestId": self.request_id,
            "routeKey": route_key,
            "stage": self.stage,
            "time": time.strftime(DAY, time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        }

    def common(self, route_key: str, path_parameters: dict[str, str]) -> dict[str, Any]:
        """What a function's event and an authorizer's event share."""
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": route_key,
            "rawPath": self.path,
            "rawQueryString": self.query,
            "headers": self.headers,
            "requestContext": self.context(route_key),
        }
        cookies = [c for name, value in self.request.headers if name == "cookie" for c in value.split("; ") if c]
        if cookies:
            event["cookies"] = cookies
        if parameters := self.query_parameters:
            event["queryStringParameters"] = parameters
        if path_parameters:
            event["pathParameters"] = path_parameters
        return event


def _headers(request: Request) -> dict[str, str]:
    """Repeated ones joined by commas, without cookies."""
    joined: dict[str, str] = {}
    for name, value in request.headers:
        if name != "cookie" and name not in HOP_BY_HOP:
            joined[name] = f"{joined[name]},{value}" if name in joined else value
    if request.body:
        joined["content-length"] = str(len(request.body))
    joined["x-forwarded-for"] = request.peer
    joined["x-forwarded-proto"] = "http"
    joined["x-forwarded-port"] = joined.get("host", "").rpartition(":")[2] or "80"
    return joined


def function_event(
    call: Call, route_key: str, path_parameters: dict[str, str], authorized: dict[str, Any] | None
) -> dict[str, Any]:
    """`authorized` is the context that an authorizer gave, None on a public route."""
    event = call.common(route_key, path_parameters)
    if authorized is not None:
        event["requestContext"]["authorizer"] = {"lambda": authorized}
    event["isBase64Encoded"] = False
    if body := call.request.body:
        text = _text(call)
        event["body"] = pybase64.b64encode_as_string(body) if text is None else text
        event["isBase64Encoded"] = text is None
    return event


def authorizer_event(
    call: Call, route_key: str, path_parameters: dict[str, str], identities: list[str]
) -> dict[str, Any]:
    event = call.common(route_key, path_parameters)
    method, path = call.request.method, call.encoded_path.removeprefix("/")
    arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{call.api_id}/{call.stage}/{method}/{path}"
    return {**event, "type": "REQUEST", "routeArn": arn, "identitySource": identities}


def _text(call: Call) -> str | None:
    headers = call.headers
    if headers.get("content-encoding", "identity") != "identity" or not TEXT.match(headers.get("content-type", "")):
        return None
    try:
        return call.request.body.decode()
    except UnicodeDecodeError:
        return None

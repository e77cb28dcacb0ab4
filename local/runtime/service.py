"""Lambda's Invoke over HTTP, for the services that call functions (Step Functions, EventBridge, the Invoke API)."""

from __future__ import annotations

import json
import re

from local.http_server import Handler, Request, Response
from local.origins import refusal
from local.runtime.result import Invoke, Throttled, UnknownFunction

PATH = re.compile(r"/2015-03-31/functions/([\w-]+)/invocations")


def invocations(invoke: Invoke, port: int) -> Handler:
    """Answers `POST /2015-03-31/functions/<name>/invocations`, synchronously."""

    async def answer(request: Request) -> Response:
        path = PATH.fullmatch(request.target)
        if refusal(request.headers, port) or request.method != "POST" or path is None:
            return _error(403, "AccessDeniedException", "refused")
        if request.body_too_large:
            return _error(413, "RequestTooLargeException", "the payload exceeds 6 MB")
        try:
            result = await invoke(path[1], request.body)
        except UnknownFunction:
            return _error(404, "ResourceNotFoundException", f"no function {path[1]}")
        except Throttled as error:
            return _error(429, "TooManyRequestsException", str(error))
        headers = [("content-type", "application/json")]
        if result.failed:
            headers.append(("x-amz-function-error", "Unhandled"))
        return Response(200, result.payload, headers)

    return answer


def _error(status: int, error_type: str, message: str) -> Response:
    body = json.dumps({"Type": "User", "Message": message}).encode()
    return Response(status, body, [("x-amzn-errortype", error_type), ("content-type", "application/json")])

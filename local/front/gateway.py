"""The HTTP API of this machine: API Gateway's rules and limits in front of the Lambda runtime."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re

import orjson

from local.front.answer import MalformedResult, function_answer, gateway_answer
from local.front.authorizer import AuthorizerFailed, Decision, Doorkeeper
from local.front.event import Call, function_event
from local.front.routes import Api, Route, RouteTable
from local.http_server import Request, Response
from local.origins import Refusal, refusal
from local.runtime.result import Invoke, Key, Throttled

LOG = logging.getLogger(__name__)
MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_EVENT_BYTES = 6 * 1024 * 1024
MODEL_NAME = re.compile(rb'"model_name"\s*:\s*"([^"]{1,100})"')
NAMED_WITHIN = 1000  # bytes
PUBLIC = Decision(allowed=True, context={})


class Gateway:
    def __init__(self, api: Api, invoke: Invoke, port: int) -> None:
        self._api = api
        self._invoke = invoke
        self._port = port
        self._routes = RouteTable(api.routes)
        self._doorkeeper = Doorkeeper(invoke)

    async def __call__(self, request: Request) -> Response:
        call = Call(request, os.urandom(8).hex(), self._api.api_id, self._api.stage)
        refused = refusal(request.headers, self._port, links=True)
        response = _refused(refused, call.request_id) if refused else await self._route(call)
        response.headers.append(("apigw-requestid", call.request_id))
        return response

    async def _route(self, call: Call) -> Response:
        if call.request.body_too_large:
            return gateway_answer(413)
        found = self._routes.match(call.request.method, call.encoded_path)
        if found is None:
            return gateway_answer(404)
        route, parameters = found
        try:
            async with asyncio.timeout(route.timeout_seconds):
                return await self._answer(call, route, parameters)
        except (TimeoutError, Throttled) as error:
            LOG.warning("%s %s: %s", call.request_id, route.key, error or "no answer in time")
            return gateway_answer(503)
        except (AuthorizerFailed, MalformedResult) as error:
            LOG.warning("%s %s: %s: %s", call.request_id, route.key, type(error).__name__, error)
            return gateway_answer(500)

    async def _answer(self, call: Call, route: Route, parameters: dict[str, str]) -> Response:
        decision = PUBLIC
        if route.authorizer:
            decision = await self._doorkeeper.decide(route.authorizer, call, route, parameters)
        if not decision.allowed:
            return gateway_answer(403)
        authorized = decision.context if route.authorizer else None
        event = orjson.dumps(function_event(call, route.key, parameters, authorized))
        if len(event) > MAX_EVENT_BYTES:
            return gateway_answer(413)
        result = await self._invoke(route.function, event, _key(call, decision))
        if result.failed:
            LOG.warning("%s %s: %s", call.request_id, route.key, result.payload[:2000].decode(errors="replace"))
            return gateway_answer(500)
        return function_answer(result)


def _key(call: Call, decision: Decision) -> Key | None:
    """Calls of a tenant, path and model: the function may say that they run together.

    A model named within the body is a hint; what doesn't fit together is told apart where it runs.
    """
    if call.request.method != "POST":
        return None
    body = call.request.body
    at = body.find(b'"model_name"', 0, NAMED_WITHIN)
    named = MODEL_NAME.match(body, at) if at >= 0 else None
    return (str(decision.context.get("tenant")), call.encoded_path, named[1].decode("latin-1") if named else "")


def _refused(refused: Refusal, request_id: str) -> Response:
    body = {"error": refused.error, "code": refused.code, "details": {}, "request_id": request_id}
    return Response(refused.status, json.dumps(body).encode(), [("content-type", "application/json")])

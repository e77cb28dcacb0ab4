"""Asks the deployed Lambda authorizer who a caller is, and remembers the answer as long as the gateway would."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.front.event import Call, authorizer_event
from local.front.routes import Authorizer, Route
from local.runtime.result import Invoke

LOG = logging.getLogger(__name__)
REMEMBERED = 10_000


class AuthorizerFailed(RuntimeError):
    """It crashed, or answered something that is no simple response."""


@dataclass(frozen=True, slots=True)
class Decision:
    allowed: bool
    context: dict[str, Any]


LOCAL_TENANT = Decision(allowed=True, context={"tenant": "local"})


class Doorkeeper:
    def __init__(self, invoke: Invoke, clock: Callable[[], float] = time.monotonic) -> None:
        self._invoke = invoke
        self._clock = clock
        self._remembered: dict[tuple[str, ...], tuple[float, Decision]] = {}

    async def decide(self, authorizer: Authorizer, call: Call, route: Route, parameters: dict[str, str]) -> Decision:
        """Without an identity the caller, who can only be on this machine, is the tenant `local`.

        API Gateway answers 401 to such a request. Raises AuthorizerFailed.
        """
        identities = [identity(source, call) for source in authorizer.identity_sources]
        if not all(identities):
            return LOCAL_TENANT
        key = (authorizer.function, *identities)
        known = self._remembered.get(key)
        if known and known[0] > self._clock():
            return known[1]
        decision = await self._ask(authorizer, authorizer_event(call, route.key, parameters, identities))
        self._remember(key, decision, authorizer.ttl_seconds)
        return decision

    async def _ask(self, authorizer: Authorizer, event: dict[str, Any]) -> Decision:
        result = await self._invoke(authorizer.function, json.dumps(event).encode())
        answer = json.loads(result.payload or b"null")
        if result.failed or not isinstance(answer, dict) or not isinstance(answer.get("isAuthorized"), bool):
            raise AuthorizerFailed(result.payload[:500].decode(errors="replace"))
        return Decision(answer["isAuthorized"], answer.get("context") or {})

    def _remember(self, key: tuple[str, ...], decision: Decision, seconds: int) -> None:
        if seconds <= 0:
            return
        if len(self._remembered) >= REMEMBERED:
            self._remembered.clear()
        self._remembered[key] = (self._clock() + seconds, decision)


def identity(source: str, call: Call) -> str:
    """The value of an identity source such as `$request.header.Authorization`, or an empty string."""
    kind, _, name = source.removeprefix("$request.").partition(".")
    if kind == "header":
        return call.headers.get(name.lower(), "")
    if kind == "querystring":
        return call.query_parameters.get(name, "")
    raise AuthorizerFailed(f"identity source {source} is not read here")

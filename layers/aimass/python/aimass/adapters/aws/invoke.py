"""The other tiers of `predict`, each a Lambda function that takes the same events."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from aimass.domain.errors import (
    AimassError,
    CapacityExhausted,
    PayloadTooLarge,
    PredictionOutOfMemory,
    PredictionTimeout,
)

_CONNECT_SECONDS = 2
_BUSY = {"TooManyRequestsException", "EC2ThrottledException", "SnapStartNotReadyException"}
_RETRY_AFTER = 2  # seconds: Lambda adds instances by the thousand in ten


class TierFailed(Exception):
    """A tier's function ended in an error that is not the caller's to know."""


class LambdaTiers:
    """Sends a call's event to another tier and hands its answer back.

    `functions` are ARNs by tier; `make_client` gives a client that waits for an answer so many whole seconds.
    """

    def __init__(self, functions: Mapping[str, str], largest: str | None, make_client: Callable[[int], Any]) -> None:
        self.largest = largest
        self._functions = functions
        self._make_client = make_client
        self._event: Mapping[str, Any] = {}
        self._seconds_left: Callable[[], float] = lambda: 0.0

    def for_call(self, event: Mapping[str, Any], seconds_left: Callable[[], float]) -> LambdaTiers:
        """The same tiers, to be asked for one call."""
        bound = copy.copy(self)
        bound._event, bound._seconds_left = event, seconds_left
        return bound

    def ask(self, tier: str) -> dict[str, Any]:
        """The tier's answer to the event. It is asked once: a prediction that may have run is not run again.

        Raises CapacityExhausted, PayloadTooLarge, PredictionTimeout, PredictionOutOfMemory, TierFailed.
        """
        seconds = int(self._seconds_left())
        if seconds < 1:
            raise _too_late()
        client = self._make_client(seconds)
        try:
            answer = client.invoke(FunctionName=self._functions[tier], Payload=_encode(self._event))
            payload: dict[str, Any] = json.loads(answer["Payload"].read())
        except (ClientError, BotoCoreError) as error:
            raise _refusal(error, tier) or error from None
        if "FunctionError" in answer:
            raise _failure(tier, payload)
        return payload


def lambda_client(seconds: int) -> Any:
    """A client that waits for an answer so long, and never asks twice."""
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=seconds,
        retries={"mode": "standard", "total_max_attempts": 1},
        tcp_keepalive=True,
    )
    return boto3.client("lambda", config=config)


def _encode(event: Mapping[str, Any]) -> bytes:
    """As UTF-8, so that it is no longer than it came; half a surrogate pair keeps its JSON escape."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def _refusal(error: ClientError | BotoCoreError, tier: str) -> AimassError | None:
    """What the caller hears of an invocation that gave no answer; None where that is a fault of ours."""
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if code in _BUSY or isinstance(error, ConnectTimeoutError | EndpointConnectionError):
        text = "the capacity for models of this size is all in use; call again in a moment"
        return CapacityExhausted(text, tier=tier, retry_after=_RETRY_AFTER)
    if code == "RequestTooLargeException":
        return PayloadTooLarge("the call is larger than one invocation carries; send fewer rows a call")
    return _too_late() if isinstance(error, ReadTimeoutError) else None


def _failure(tier: str, payload: Mapping[str, Any]) -> Exception:
    """What Lambda says of a function that it ended. A message may hold what the caller sent: it is not passed on."""
    kind, message = str(payload.get("errorType", "")), str(payload.get("errorMessage", ""))
    if kind == "Sandbox.Timedout" or "Task timed out after" in message:
        return _too_late()
    if kind == "Runtime.OutOfMemory" or (kind == "Runtime.ExitError" and message.endswith("signal: killed")):
        text = "this prediction asks for more memory than its function has; send fewer rows a call"
        return PredictionOutOfMemory(text)
    return TierFailed(f"tier {tier} ended with {kind or 'an error without a type'}")


def _too_late() -> PredictionTimeout:
    return PredictionTimeout("the prediction took all of this call's time; call again, with fewer rows if it was long")

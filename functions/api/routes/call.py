"""What every route asks of the call that it answers."""

from __future__ import annotations

import base64
from contextvars import ContextVar
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from aimass.domain.jobs import Job
from aimass.domain.names import MAX_NUMBER
from aimass.domain.ports import Page

Json = dict[str, Any]
Number = Annotated[int, Path(ge=1, le=MAX_NUMBER)]
ModelName = Annotated[str, Path(max_length=63)]
Identifier = Annotated[str, Path(max_length=64)]
Limit = Annotated[int, Query(ge=1, le=200, description="entries on one page")]
Token = Annotated[str | None, Query(max_length=1500, description="`next_token` of the page before")]

_event: ContextVar[Json] = ContextVar("event")


def answering(event: Json) -> None:
    """The call that the functions below speak of."""
    _event.set(event)


def tenant() -> str:
    name: str = _event.get()["requestContext"]["authorizer"]["lambda"]["tenant"]
    return name


def request_id() -> str:
    name: str = _event.get()["requestContext"]["requestId"]
    return name


def header(name: str) -> str:
    """A header's value, or an empty text."""
    value: str = _event.get()["headers"].get(name, "")
    return value


def body_bytes() -> bytes:
    body = _event.get().get("body") or ""
    return base64.b64decode(body) if _event.get().get("isBase64Encoded") else body.encode()


def base_url() -> str:
    return f"{header('x-forwarded-proto') or 'https'}://{header('host')}"


def respond(status: int, body: Json | None = None) -> Response[Any]:
    return Response(status, content_types.APPLICATION_JSON, body) if body is not None else Response(status)


def listed(name: str, found: Page[Any], view: Any) -> Json:
    """A page as every list answers it; `next_token` is null on the last."""
    return {name: [view(item) for item in found.items], "next_token": found.next_token}


def accepted(job: Job) -> Json:
    return {
        "model_name": job.model,
        "version": job.version,
        "job_id": job.id,
        "status_url": f"{base_url()}/api/v1/jobs/{job.id}",
    }

"""The control plane: uploads, registry, jobs and keys. Every route parses, calls one use case and responds."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response, content_types
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from routes import aliases, compressions, descriptions, jobs, keys, models, predictions, uploads, usage, versions
from routes.call import Json, answering, request_id, respond

from aimass.bootstrap import tenancy
from aimass.domain.errors import AimassError, InternalError, InvalidArguments, RouteNotFound
from aimass.protocols.errors import error_body
from aimass.protocols.idempotent import PREDICTIONS, repeatable
from aimass.protocols.metered import metered
from aimass.protocols.parameters import known_parameters
from aimass.protocols.status import status_of

logger = Logger(level="INFO")
app = APIGatewayHttpResolver(enable_validation=True)
app.use([metered(tenancy.call_meter), known_parameters, repeatable(tenancy.idempotency)])
for part in (uploads, models, versions, descriptions, aliases, predictions, compressions, jobs, keys, usage):
    app.include_router(part.router)


@app.get("/health", summary="Whether the service answers")
def health() -> Json:
    return {"status": "ok"}


@app.get("/openapi.json", summary="This document")
def openapi() -> Json:
    from aimass.protocols.openapi import document

    return document(app)


@app.exception_handler(AimassError)
def refuse(error: AimassError) -> Response[Json]:
    answer = respond(status_of(error), error_body(error.code, error.message, error.details, request_id()))
    if "retry_after" in error.details:
        answer.headers["Retry-After"] = str(error.details["retry_after"])
    return answer


@app.exception_handler(RequestValidationError)
def refuse_invalid(error: RequestValidationError) -> Response[Json]:
    return refuse(InvalidArguments.of_fields({_field(one): one["msg"] for one in error.errors()}))


@app.exception_handler(UnicodeDecodeError)
def refuse_undecodable(error: UnicodeDecodeError) -> Response[Json]:
    return refuse(InvalidArguments.of_fields({"body": "is no UTF-8 text"}))


@app.not_found
def refuse_unknown_path(error: Exception) -> Response[Json]:
    return refuse(RouteNotFound(f"nothing is at {app.current_event.path[:200]!r}"))


@app.exception_handler(Exception)
def report_fault(error: Exception) -> Response[Json]:
    logger.exception("fault", error=type(error).__name__)
    return refuse(InternalError("something failed on our side; report it with the request id"))


def handler(event: Json, context: Any) -> Json:
    """An HTTP API event (payload 2.0) to its answer."""
    answering(event)
    if event["rawPath"] != "/upload" and not event["rawPath"].endswith(PREDICTIONS):
        # Every other body is JSON, whatever curl's -d calls it.
        event["headers"]["content-type"] = content_types.APPLICATION_JSON
    answer = app.resolve(event, context)
    request = event["requestContext"]
    logger.info(
        "answered",
        request_id=request["requestId"],
        route=event["routeKey"],
        tenant=request.get("authorizer", {}).get("lambda", {}).get("tenant"),
        status=answer["statusCode"],
    )
    return answer


def _field(problem: Json) -> str:
    in_text = problem["type"] == "json_invalid"
    return "body" if in_text else ".".join(map(str, problem["loc"][1:])) or "body"

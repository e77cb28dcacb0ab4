"""Predictions as jobs: asked for, and their answers; the secret of the webhooks that tell of them."""

from __future__ import annotations

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from aimass.bootstrap import prediction_jobs, stores
from aimass.domain.clock import later, now
from aimass.domain.errors import Conflict, InvalidArguments
from aimass.domain.jobs import Job
from aimass.domain.webhooks import MAX_URL
from aimass.protocols import control
from aimass.protocols.idempotent import REPLAYED_BODY
from aimass.protocols.native.openapi import INPUT_FORMATS
from aimass.usecases import prediction_jobs as use
from aimass.usecases.compression_reports import ended_compression
from routes.call import Identifier, Json, ModelName, accepted, body_bytes, header, respond, tenant

router = APIGatewayHttpRouter()
KEPT_HEADERS = ("content-type", "content-encoding", "accept")
#: What one call carries back, in base64.
MAX_DIRECT_BYTES = 4_400_000
URL_SECONDS = 3600
Parameter = Annotated[str | None, Query(max_length=63, description="as of POST /predict/{model}")]
Size = Annotated[int | None, Query(ge=1, description="bytes of a body that will be put to a URL: send none now")]
Webhook = Annotated[str | None, Query(max_length=MAX_URL, description="https:// URL to tell of the job's end")]


@router.post("/api/v1/models/<model>/predictions", summary="Predict as a job", tags=["predictions"])
def predict(
    model: ModelName,
    version: Parameter = None,
    input_format: Parameter = None,
    compress: Parameter = None,
    size: Size = None,
    webhook: Webhook = None,
) -> Response[Json]:
    named = {"version": version, "input_format": input_format, "compress": compress}
    query = {name: value for name, value in named.items() if value is not None}
    _check_format(input_format)
    headers = {name: header(name) for name in KEPT_HEADERS if header(name)}
    body = body_bytes()
    at = prediction_jobs.predictions()
    replayed = router.context.pop(REPLAYED_BODY, None)
    if replayed is not None:
        return respond(201, _signed_anew(at, replayed))
    if size is None:
        new = use.NewPrediction(model, query, headers, body, webhook=webhook)
        return respond(202, accepted(use.request_prediction(at, tenant(), new)))
    if body:
        raise InvalidArguments.of_fields({"size": "is of a body that will be put to a URL: send none with it"})
    job = use.request_prediction(at, tenant(), use.NewPrediction(model, query, headers, size=size, webhook=webhook))
    return respond(201, accepted(job) | {"upload": _upload(at, job, size)})


def _check_format(input_format: str | None) -> None:
    if input_format is not None and input_format not in INPUT_FORMATS:
        there_are = f"must be one of {', '.join(map(repr, INPUT_FORMATS))}, got {input_format!r}"
        raise InvalidArguments.of_fields({"input_format": there_are})


def _upload(at: use.Predictions, job: Job, size: int) -> Json:
    assert job.call is not None
    return {
        "method": "PUT",
        "url": use.input_url(at, job, size),
        "headers": {"content-type": job.call.content_type, "content-length": str(size)},
        "expires_at": later(now(), seconds=URL_SECONDS),
    }


def _signed_anew(at: use.Predictions, replayed: Json) -> Json:
    """The answer of before, with another URL while the job still waits for its body."""
    job = at.registry.get_job(tenant(), replayed["job_id"])
    if job.state != "waiting":
        return replayed
    size = int(replayed["upload"]["headers"]["content-length"])
    try:
        waits = use.renewed(at, tenant(), job)
    except Conflict:  # its body came this very moment
        return replayed
    return replayed | {"upload": _upload(at, waits, size)}


@router.get(
    "/api/v1/jobs/<job_id>/result",
    summary="What a prediction was answered: status, headers and body as the direct call's; what a compression came to",
    tags=["predictions"],
)
def result(job_id: Identifier) -> Response[Any]:
    at = prediction_jobs.predictions()
    job = at.registry.get_job(tenant(), job_id)
    if job.kind == "compression":
        ended = ended_compression(at.registry, tenant(), job)
        return respond(200, control.compression_result(tenant(), ended, stores.artifacts()))
    answer = use.stored_answer(job)
    if answer.size > MAX_DIRECT_BYTES:
        return Response(303, headers={"Location": at.files.answer_url(answer)})
    # In lower case the type is not taken for JSON that the framework should write anew: the bytes stay as they are.
    return Response(answer.status, body=use.read_answer(at, job), headers=dict(answer.headers))


@router.post(
    "/api/v1/webhook-secret",
    summary="Make the secret that webhooks are signed with; it is told once",
    description="A second call makes another one. For 24 hours webhooks are signed with both.",
    tags=["predictions"],
)
def rotate_secret() -> Response[Json]:
    from aimass.usecases.webhooks import rotate_secret as rotate

    new = rotate(stores.webhook_secrets(), tenant())
    answer = respond(201, {"secret": new.secret, "created_at": new.created_at})
    answer.headers["Cache-Control"] = "no-store"
    return answer

"""The control plane: uploads, registry and jobs. Every route parses, calls one use case and responds."""

from __future__ import annotations

import base64
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response, content_types
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from aimass import bootstrap
from aimass.domain.errors import AimassError, InternalError, InvalidArguments, RouteNotFound, VersionNotReady
from aimass.domain.model import Job
from aimass.domain.names import MAX_NUMBER, check_alias, check_name, name_from_filename
from aimass.protocols import control
from aimass.protocols.errors import error_body
from aimass.protocols.requests import CompleteUpload, MoveAlias, StartUpload
from aimass.protocols.status import status_of
from aimass.protocols.upload_form import UploadForm, parse_upload_form
from aimass.usecases import uploads as use
from aimass.usecases.await_job import MAX_WAIT_SECONDS, await_job
from aimass.usecases.start_import import retry_import

logger = Logger(level="INFO")
app = APIGatewayHttpResolver(enable_validation=True)

Json = dict[str, Any]
Number = Annotated[int, Path(ge=1, le=MAX_NUMBER)]
ModelName = Annotated[str, Path(max_length=63)]
Identifier = Annotated[str, Path(max_length=64)]


@app.get("/health", summary="Whether the service answers")
def health() -> Json:
    return {"status": "ok"}


@app.get("/openapi.json", summary="This document")
def openapi() -> Json:
    from aimass.protocols.openapi import document

    return document(app)


@app.post("/upload", summary="Upload a model in one call", tags=["upload"])
def upload(wait: Annotated[float, Query(ge=0, le=MAX_WAIT_SECONDS)] = 0) -> Response[Json]:
    form = parse_upload_form(app.current_event.headers.get("content-type", ""), _body())
    job = use.upload_whole(bootstrap.registry(), bootstrap.uploads(), _tenant(), _new_version(form), form.model.body)
    accepted = _accepted(job)
    if not wait:
        return _respond(202, accepted)
    job = await_job(bootstrap.registry(), _tenant(), job.id, wait)
    if job.state == "failed" and job.error:
        details = job.error.details | {"step": job.error.step, "job_id": job.id, "version": job.version}
        return _respond(422, error_body(job.error.code, job.error.message, details, _request_id()))
    if job.state != "succeeded":
        return _respond(202, accepted)
    return _respond(201, accepted | _version(job.model, job.version))


@app.post("/api/v1/uploads", summary="Start an upload in parts", tags=["upload"])
def start_upload(body: StartUpload) -> Response[Json]:
    new = use.NewVersion(body.model, body.filename, body.version, body.label, tuple(body.labels), sha256=body.sha256)
    job = use.start_upload(bootstrap.registry(), bootstrap.uploads(), _tenant(), new, body.size)
    described = use.describe_upload(bootstrap.registry(), bootstrap.uploads(), _tenant(), job.id)
    return _respond(201, _accepted(job) | described)


@app.get("/api/v1/uploads/<upload_id>", summary="What has arrived, and URLs for the rest", tags=["upload"])
def describe_upload(upload_id: Identifier) -> Json:
    return use.describe_upload(bootstrap.registry(), bootstrap.uploads(), _tenant(), upload_id)


@app.post(
    "/api/v1/uploads/<upload_id>/complete", summary="Make the file of its parts; its import starts", tags=["upload"]
)
def complete_upload(upload_id: Identifier, body: CompleteUpload) -> Response[Json]:
    parts = {part.part_number: part.etag for part in body.parts}
    job = use.complete_upload(bootstrap.registry(), bootstrap.uploads(), _tenant(), upload_id, parts)
    return _respond(202, _accepted(job))


@app.delete("/api/v1/uploads/<upload_id>", summary="Drop an upload", tags=["upload"])
def abort_upload(upload_id: Identifier) -> Response[None]:
    use.abort_upload(bootstrap.registry(), bootstrap.uploads(), _tenant(), upload_id)
    return Response(204)


@app.get("/api/v1/models", summary="All models", tags=["registry"])
def list_models() -> Json:
    return {"models": [control.model_view(model) for model in bootstrap.registry().list_models(_tenant())]}


@app.get("/api/v1/models/<model>", summary="A model, its aliases and its latest ready version", tags=["registry"])
def get_model(model: ModelName) -> Json:
    registry = bootstrap.registry()
    found = registry.get_model(_tenant(), model)
    try:
        latest = registry.latest_version(_tenant(), model).number
    except VersionNotReady:
        latest = None
    aliases = [control.alias_view(alias) for alias in registry.list_aliases(_tenant(), model)]
    return control.model_view(found) | {"latest": latest, "aliases": aliases}


@app.get("/api/v1/models/<model>/versions", summary="A model's versions, newest first", tags=["registry"])
def list_versions(
    model: ModelName, state: Annotated[str, Query(pattern="^(ready|importing|failed|all)$")] = "ready"
) -> Json:
    versions = bootstrap.registry().list_versions(_tenant(), model)
    return {"versions": [control.version_summary(one) for one in versions if state in {one.state, "all"}]}


@app.get("/api/v1/models/<model>/versions/<version>", summary="A version's record", tags=["registry"])
def get_version(model: ModelName, version: Number) -> Json:
    return _version(model, version)


@app.get("/api/v1/models/<model>/aliases/<alias>", summary="Where an alias points", tags=["registry"])
def get_alias(model: ModelName, alias: Identifier) -> Json:
    return control.alias_view(bootstrap.registry().get_alias(_tenant(), model, alias))


@app.put("/api/v1/models/<model>/aliases/<alias>", summary="Point an alias at a ready version", tags=["registry"])
def move_alias(model: ModelName, alias: Identifier, body: MoveAlias) -> Json:
    name = check_alias(alias)
    return control.alias_view(bootstrap.registry().move_alias(_tenant(), model, name, body.version))


@app.get("/api/v1/jobs", summary="The newest 100 jobs", tags=["jobs"])
def list_jobs() -> Json:
    return {"jobs": [control.job_view(job) for job in bootstrap.registry().list_jobs(_tenant())]}


@app.get("/api/v1/jobs/<job_id>", summary="A job's state, step, times and error", tags=["jobs"])
def get_job(job_id: Identifier) -> Json:
    return control.job_view(bootstrap.registry().get_job(_tenant(), job_id))


@app.post("/api/v1/jobs/<job_id>/retry", summary="Run a failed import again", tags=["jobs"])
def retry_job(job_id: Identifier) -> Response[Json]:
    return _respond(
        202, control.job_view(retry_import(bootstrap.registry(), bootstrap.import_runner(), _tenant(), job_id))
    )


@app.exception_handler(AimassError)
def refuse(error: AimassError) -> Response[Json]:
    return _respond(status_of(error), error_body(error.code, error.message, error.details, _request_id()))


@app.exception_handler(RequestValidationError)
def refuse_invalid(error: RequestValidationError) -> Response[Json]:
    return refuse(InvalidArguments.of_fields({_field(one): one["msg"] for one in error.errors()}))


@app.not_found
def refuse_unknown_path(error: Exception) -> Response[Json]:
    return refuse(RouteNotFound(f"nothing is at {app.current_event.path[:200]!r}"))


@app.exception_handler(Exception)
def report_fault(error: Exception) -> Response[Json]:
    logger.exception("fault", error=type(error).__name__)
    return refuse(InternalError("something failed on our side; report it with the request id"))


def handler(event: Json, context: Any) -> Json:
    """An HTTP API event (payload 2.0) to its answer."""
    if event["rawPath"] != "/upload":
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


def _new_version(form: UploadForm) -> use.NewVersion:
    model = check_name("name", form.name) if form.name else name_from_filename(form.model.filename)
    sample = None
    if form.data:
        sample = use.keep_sample(bootstrap.artifacts(), _tenant(), form.data.filename, form.data.body)
    return use.NewVersion(model, form.model.filename or "model", form.version, form.label, form.labels, sample)


def _accepted(job: Job) -> Json:
    return {
        "model_name": job.model,
        "version": job.version,
        "job_id": job.id,
        "status_url": f"{_base_url()}/api/v1/jobs/{job.id}",
    }


def _version(model: str, number: int) -> Json:
    version = bootstrap.registry().get_version(_tenant(), model, number)
    return control.version_view(_tenant(), version, bootstrap.artifacts())


def _tenant() -> str:
    tenant: str = app.current_event.raw_event["requestContext"]["authorizer"]["lambda"]["tenant"]
    return tenant


def _body() -> bytes:
    event = app.current_event
    body = event.raw_event.get("body") or ""
    return base64.b64decode(body) if event.is_base64_encoded else body.encode()


def _base_url() -> str:
    headers = app.current_event.headers
    return f"{headers.get('x-forwarded-proto', 'https')}://{headers['host']}"


def _request_id() -> str:
    request_id: str = app.current_event.raw_event["requestContext"]["requestId"]
    return request_id


def _respond(status: int, body: Json) -> Response[Json]:
    return Response(status, content_types.APPLICATION_JSON, body)

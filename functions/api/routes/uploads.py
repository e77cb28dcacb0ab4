"""Uploads: in one call, or in parts straight to storage."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from aimass.bootstrap import stores, tenancy
from aimass.domain.names import check_name, name_from_filename
from aimass.domain.tenants import Limits
from aimass.formats.beside import DOCUMENTS
from aimass.formats.description import read_document
from aimass.protocols import control
from aimass.protocols.errors import error_body
from aimass.protocols.requests import CompleteUpload, StartUpload
from aimass.protocols.upload_form import UploadForm, parse_upload_form
from aimass.usecases import uploads as use
from aimass.usecases.await_job import MAX_WAIT_SECONDS, await_job
from routes.call import Identifier, Json, accepted, body_bytes, header, request_id, respond, tenant

router = APIGatewayHttpRouter()


@router.post("/upload", summary="Upload a model in one call", tags=["upload"])
def upload(wait: Annotated[float, Query(ge=0, le=MAX_WAIT_SECONDS)] = 0) -> Response[Json]:
    form = parse_upload_form(header("content-type"), body_bytes())
    registry = stores.registry()
    new, body, sample, document = _new_version(form), form.model.body, _sample(form), _document(form.description)
    job = use.upload_whole(registry, stores.uploads(), tenant(), new, _limits(), body, sample, document)
    if not wait:
        return respond(202, accepted(job))
    job = await_job(registry, tenant(), job.id, wait)
    if job.state == "failed" and job.error:
        details = job.error.details | {"step": job.error.step, "job_id": job.id, "version": job.version}
        return respond(422, error_body(job.error.code, job.error.message, details, request_id()))
    if job.state != "succeeded":
        return respond(202, accepted(job))
    version = registry.get_version(tenant(), job.model, job.version)
    return respond(201, accepted(job) | control.version_view(tenant(), version, stores.artifacts()))


@router.post("/api/v1/uploads", summary="Start an upload in parts", tags=["upload"])
def start_upload(body: StartUpload) -> Response[Json]:
    new = use.NewVersion(
        body.model,
        body.filename,
        body.version,
        body.label,
        tuple(body.labels),
        sha256=body.sha256,
        size=body.size,
        accept_drift=body.accept_drift,
    )
    document = _document(None if body.description is None else body.description.encode(errors="replace"))
    job = use.start_upload(stores.registry(), stores.uploads(), tenant(), new, _limits(), document)
    described = use.describe_upload(stores.registry(), stores.uploads(), tenant(), job.id)
    return respond(201, accepted(job) | described)


@router.get("/api/v1/uploads/<upload_id>", summary="What has arrived, and URLs for the rest", tags=["upload"])
def describe_upload(upload_id: Identifier) -> Json:
    return use.describe_upload(stores.registry(), stores.uploads(), tenant(), upload_id)


@router.post(
    "/api/v1/uploads/<upload_id>/complete", summary="Make the file of its parts; its import starts", tags=["upload"]
)
def complete_upload(upload_id: Identifier, body: CompleteUpload) -> Response[Json]:
    parts = {part.part_number: part.etag for part in body.parts}
    job = use.complete_upload(stores.registry(), stores.uploads(), tenant(), upload_id, parts)
    return respond(202, accepted(job))


@router.delete("/api/v1/uploads/<upload_id>", summary="Drop an upload", tags=["upload"])
def abort_upload(upload_id: Identifier) -> Response[None]:
    use.abort_upload(stores.registry(), stores.uploads(), tenant(), upload_id)
    return respond(204)


def _limits() -> Limits:
    return tenancy.tenant_limits().limits_of(tenant())


def _new_version(form: UploadForm) -> use.NewVersion:
    model = check_name("name", form.name) if form.name else name_from_filename(form.model.filename)
    return use.NewVersion(
        model,
        form.model.filename or "model",
        form.version,
        form.label,
        form.labels,
        accept_drift=form.accept_drift,
    )


def _sample(form: UploadForm) -> use.Attachment | None:
    return use.Attachment(stores.artifacts(), form.data.filename, form.data.body) if form.data else None


def _document(body: bytes | None) -> use.Attachment | None:
    """A model description that keeps the schema; whether it fits the model is seen at import."""
    if body is None:
        return None
    read_document(body)
    return use.Attachment(stores.artifacts(), DOCUMENTS[0], body)

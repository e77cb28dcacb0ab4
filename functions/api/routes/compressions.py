"""Compressions: asked for, listed, and the reports of those that have ended."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from aimass.bootstrap import compressing, stores
from aimass.domain.clock import later, now
from aimass.domain.compression import Compression
from aimass.domain.files import StoredFile
from aimass.domain.jobs import Job
from aimass.protocols import control
from aimass.protocols.idempotent import REPLAYED_BODY
from aimass.protocols.requests import StartCompression
from aimass.usecases import compressions as use
from aimass.usecases.compression_reports import ended_compression, read_report
from aimass.usecases.versions import get_version
from routes.call import Identifier, Json, ModelName, Number, accepted, respond, tenant

router = APIGatewayHttpRouter()
#: What one call carries back, in base64.
MAX_DIRECT_BYTES = 4_400_000
_COMPRESSIONS = "/api/v1/models/<model>/versions/<version>/compressions"
_BY_DEFAULT = StartCompression()


@router.post(_COMPRESSIONS, summary="Compress a version within a budget", tags=["compressions"])
def compress(model: ModelName, version: Number, body: StartCompression = _BY_DEFAULT) -> Response[Json]:
    at = compressing.compressions()
    replayed = router.context.pop(REPLAYED_BODY, None)
    if replayed is not None:
        return respond(201, _signed_anew(at, replayed))
    data = use.Data(body.data.size, body.data.filename, body.data.prefix) if body.data else None
    new = use.NewCompression(model, version, body.budget, data, body.methods, body.target, body.objective)
    job = use.request_compression(at, tenant(), new)
    upload = _upload(at, job)
    return respond(201, accepted(job) | {"upload": upload}) if upload else respond(202, accepted(job))


def _upload(at: use.Compressions, job: Job) -> Json | None:
    granted = use.grant(at, tenant(), job)
    if granted is None:
        return None
    expires_at = later(now(), seconds=use.URL_SECONDS)
    return {"method": "PUT", "url": granted.url, "headers": dict(granted.headers), "expires_at": expires_at}


def _signed_anew(at: use.Compressions, replayed: Json) -> Json:
    """The answer of before, with another URL while the job still waits for its file."""
    upload = _upload(at, at.registry.get_job(tenant(), replayed["job_id"]))
    return replayed | {"upload": upload} if upload else replayed


@router.get(_COMPRESSIONS, summary="What its compressions came to, newest first", tags=["compressions"])
def list_compressions(model: ModelName, version: Number) -> Json:
    found = get_version(stores.registry(), tenant(), model, version)
    views = [control.compression_view(tenant(), one, stores.artifacts()) for one in found.compressions]
    return {"compressions": views, "running": found.compressing}


@router.get("/api/v1/jobs/<job_id>/report", summary="A compression's report, as JSON", tags=["compressions"])
def report(job_id: Identifier) -> Response[Any]:
    return _file(_ended(job_id).report, {"content-type": "application/json"})


@router.get("/api/v1/jobs/<job_id>/report.html", summary="A compression's report, as a page", tags=["compressions"])
def report_page(job_id: Identifier) -> Response[Any]:
    from aimass.compression.report.page import POLICY

    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
    }
    return _file(_ended(job_id).page, headers)


def _ended(job_id: str) -> Compression:
    registry = stores.registry()
    return ended_compression(registry, tenant(), registry.get_job(tenant(), job_id))


def _file(file: StoredFile, headers: dict[str, str]) -> Response[Any]:
    """The file itself; where it lies, if one call can't carry it."""
    artifacts = stores.artifacts()
    if file.size > MAX_DIRECT_BYTES:
        return Response(303, headers={"Location": artifacts.download_url(tenant(), file, use.URL_SECONDS)})
    # In lower case the type is not taken for JSON that the framework should write anew: the bytes stay as they are.
    return Response(200, body=read_report(artifacts, tenant(), file), headers=headers)

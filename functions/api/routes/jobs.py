"""Jobs: followed, cancelled, run again."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from aimass.bootstrap import compressing, prediction_jobs, stores
from aimass.domain.jobs import Job
from aimass.domain.ports import PageRequest
from aimass.protocols import control
from aimass.protocols.requests import RetryJob
from routes.call import Identifier, Json, Limit, Token, listed, respond, tenant

router = APIGatewayHttpRouter()
_AS_IT_WAS = RetryJob()
State = Annotated[str | None, Query(pattern="^(waiting|running|succeeded|failed|cancelled)$")]
Model = Annotated[str | None, Query(max_length=63)]


@router.get("/api/v1/jobs", summary="Jobs, newest first", tags=["jobs"])
def list_jobs(state: State = None, model: Model = None, limit: Limit = 100, next_token: Token = None) -> Json:
    found = stores.registry().list_jobs(tenant(), PageRequest(limit, next_token), state=state, model=model)
    return listed("jobs", found, control.job_view)


@router.get("/api/v1/jobs/<job_id>", summary="A job's state, step, times and error", tags=["jobs"])
def get_job(job_id: Identifier) -> Json:
    job = stores.registry().get_job(tenant(), job_id)
    url = stores.prediction_files().answer_url(job.answer) if job.answer else None
    return control.job_view(job, url) | _result(job)


def _result(job: Job) -> Json:
    """What a compression came to, once it has."""
    from aimass.usecases.compression_reports import compressed

    if job.kind != "compression":
        return {}
    found = compressed(stores.registry(), tenant(), job)
    return {"result": control.compression_result(tenant(), found, stores.artifacts()) if found else None}


@router.get("/api/v1/jobs/<job_id>/log", summary="What a job did, line by line", tags=["jobs"])
def read_log(job_id: Identifier, limit: Limit = 100, next_token: Token = None) -> Json:
    stores.registry().get_job(tenant(), job_id)
    found = stores.registry().read_log(tenant(), job_id, PageRequest(limit, next_token))
    return listed("lines", found, control.log_view)


@router.post("/api/v1/jobs/<job_id>/retry", summary="Run a failed or cancelled job again", tags=["jobs"])
def retry(job_id: Identifier, body: RetryJob = _AS_IT_WAS) -> Response[Json]:
    from aimass.usecases.prediction_jobs import retry_prediction
    from aimass.usecases.retry import check_accepts, retry_job

    job = stores.registry().get_job(tenant(), job_id)
    check_accepts(job, accept_drift=body.accept_drift)
    if job.kind == "prediction":
        return respond(202, control.job_view(retry_prediction(prediction_jobs.predictions(), tenant(), job)))
    again = retry_job(compressing.control_of(job), tenant(), job_id, accept_drift=body.accept_drift)
    return respond(202, control.job_view(again))


@router.post("/api/v1/jobs/<job_id>/cancel", summary="End a job that has not ended", tags=["jobs"])
def cancel(job_id: Identifier) -> Json:
    from aimass.usecases.cancel import cancel_job
    from aimass.usecases.prediction_jobs import cancel_prediction

    job = stores.registry().get_job(tenant(), job_id)
    at = compressing.control_of(job)
    if job.kind == "prediction":
        predictions = prediction_jobs.predictions()
        return control.job_view(cancel_prediction(predictions, at.uploads, at.runner, tenant(), job))
    return control.job_view(cancel_job(at.registry, at.uploads, at.runner, tenant(), job_id))

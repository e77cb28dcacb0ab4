"""Every route of the HTTP API: which function answers it, and whether it needs no key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Route:
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "ANY"]
    path: str
    function: Literal["api", "predict"]
    public: bool = False


ROUTES = (
    Route("POST", "/upload", "api"),
    Route("POST", "/api/v1/uploads", "api"),
    Route("GET", "/api/v1/uploads/{upload_id}", "api"),
    Route("DELETE", "/api/v1/uploads/{upload_id}", "api"),
    Route("POST", "/api/v1/uploads/{upload_id}/complete", "api"),
    Route("GET", "/api/v1/models", "api"),
    Route("GET", "/api/v1/models/{model}", "api"),
    Route("PATCH", "/api/v1/models/{model}", "api"),
    Route("DELETE", "/api/v1/models/{model}", "api"),
    Route("POST", "/api/v1/models/{model}/restore", "api"),
    Route("GET", "/api/v1/models/{model}/versions", "api"),
    Route("GET", "/api/v1/models/{model}/versions/{version}", "api"),
    Route("PATCH", "/api/v1/models/{model}/versions/{version}", "api"),
    Route("DELETE", "/api/v1/models/{model}/versions/{version}", "api"),
    Route("DELETE", "/api/v1/models/{model}/versions/{version}/variants/{variant}", "api"),
    Route("POST", "/api/v1/models/{model}/versions/{version}/restore", "api"),
    Route("POST", "/api/v1/models/{model}/versions/{version}/verify", "api"),
    Route("GET", "/api/v1/models/{model}/versions/{version}/download", "api"),
    Route("GET", "/api/v1/models/{model}/versions/{version}/description", "api"),
    Route("PUT", "/api/v1/models/{model}/versions/{version}/description", "api"),
    Route("DELETE", "/api/v1/models/{model}/versions/{version}/description", "api"),
    Route("GET", "/api/v1/models/{model}/aliases/{alias}", "api"),
    Route("PUT", "/api/v1/models/{model}/aliases/{alias}", "api"),
    Route("DELETE", "/api/v1/models/{model}/aliases/{alias}", "api"),
    Route("GET", "/api/v1/models/{model}/aliases/{alias}/history", "api"),
    Route("POST", "/api/v1/models/{model}/aliases/{alias}/rollback", "api"),
    Route("POST", "/api/v1/models/{model}/predictions", "api"),
    Route("POST", "/api/v1/models/{model}/versions/{version}/compressions", "api"),
    Route("GET", "/api/v1/models/{model}/versions/{version}/compressions", "api"),
    Route("POST", "/api/v1/webhook-secret", "api"),
    Route("GET", "/api/v1/jobs", "api"),
    Route("GET", "/api/v1/jobs/{job_id}", "api"),
    Route("GET", "/api/v1/jobs/{job_id}/log", "api"),
    Route("GET", "/api/v1/jobs/{job_id}/result", "api"),
    Route("GET", "/api/v1/jobs/{job_id}/report", "api"),
    Route("GET", "/api/v1/jobs/{job_id}/report.html", "api"),
    Route("POST", "/api/v1/jobs/{job_id}/retry", "api"),
    Route("POST", "/api/v1/jobs/{job_id}/cancel", "api"),
    Route("GET", "/api/v1/limits", "api"),
    Route("GET", "/api/v1/keys", "api"),
    Route("POST", "/api/v1/keys", "api"),
    Route("POST", "/api/v1/keys/{key_id}/rotate", "api"),
    Route("DELETE", "/api/v1/keys/{key_id}", "api"),
    Route("GET", "/health", "api", public=True),
    Route("GET", "/openapi.json", "api", public=True),
    Route("POST", "/predict", "predict"),
    Route("POST", "/predict/{model}", "predict"),
    Route("ANY", "/v1/{proxy+}", "predict"),
    Route("ANY", "/v2", "predict"),
    Route("ANY", "/v2/{proxy+}", "predict"),
    # A web page's preflight carries no key: without routes of its own it would fall to those above.
    Route("OPTIONS", "/v1/{proxy+}", "predict", public=True),
    Route("OPTIONS", "/v2", "predict", public=True),
    Route("OPTIONS", "/v2/{proxy+}", "predict", public=True),
    Route("GET", "/v2/health/live", "predict", public=True),
    Route("GET", "/v2/health/ready", "predict", public=True),
)

"""The whole service's OpenAPI document, from the code: the control plane's resolver, the data plane's protocols."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from aimass.domain.names import MAX_NUMBER
from aimass.protocols import records
from aimass.protocols.idempotent import PARAMETER
from aimass.protocols.native.openapi import OPENAPI as NATIVE
from aimass.protocols.openapi_parts import NATIVE_ERROR
from aimass.protocols.openinference.openapi import OPENAPI as OPEN_INFERENCE
from aimass.protocols.tfserving.openapi import OPENAPI as TENSORFLOW_SERVING

Json = dict[str, Any]

TITLE = "AI Mass"
VERSION = "0.1.0"

PUBLIC = {"/health", "/openapi.json", "/v2/health/live", "/v2/health/ready"}
_ACCEPTED = {"202": ("Accepted; status_url tells how it goes on", records.Accepted)}
_DESCRIPTION = "/api/v1/models/{model}/versions/{version}/description"
_COMPRESSIONS = "/api/v1/models/{model}/versions/{version}/compressions"
_REPORTS = (
    ("/api/v1/jobs/{job_id}/report", "application/json", {"type": "object"}),
    ("/api/v1/jobs/{job_id}/report.html", "text/html", {"type": "string"}),
)
#: Status to its meaning and what is answered.
ANSWERS: dict[tuple[str, str], dict[str, tuple[str, Any]]] = {
    ("post", "/upload"): _ACCEPTED | {"201": ("With ?wait: registered", records.RegisteredUpload)},
    ("post", "/api/v1/uploads"): {"201": ("Granted: where each part goes", records.StartedUpload)},
    ("get", "/api/v1/uploads/{upload_id}"): {"200": ("What has arrived", records.UploadRecord)},
    ("post", "/api/v1/uploads/{upload_id}/complete"): _ACCEPTED,
    ("delete", "/api/v1/uploads/{upload_id}"): {"204": ("Dropped", None)},
    ("get", "/api/v1/models"): {"200": ("By name", records.ModelList)},
    ("get", "/api/v1/models/{model}"): {"200": ("The model", records.ModelRecord)},
    ("patch", "/api/v1/models/{model}"): {"200": ("Changed", records.ModelSummary)},
    ("delete", "/api/v1/models/{model}"): {
        "204": ("Deleted", None),
        "202": ("With ?purge: gone for good with the next hourly sweep", None),
    },
    ("post", "/api/v1/models/{model}/restore"): {"200": ("Back again", records.ModelSummary)},
    ("get", "/api/v1/models/{model}/versions"): {"200": ("Newest first", records.VersionList)},
    ("get", "/api/v1/models/{model}/versions/{version}"): {"200": ("Its record", records.VersionRecord)},
    ("patch", "/api/v1/models/{model}/versions/{version}"): {"200": ("Changed", records.VersionRecord)},
    ("delete", "/api/v1/models/{model}/versions/{version}"): {"204": ("Deleted; with ?purge: gone for good", None)},
    ("delete", "/api/v1/models/{model}/versions/{version}/variants/{variant}"): {"204": ("Removed", None)},
    ("post", "/api/v1/models/{model}/versions/{version}/restore"): {"200": ("Back again", records.VersionRecord)},
    ("get", _DESCRIPTION): {"200": ("Its model description", records.DescriptionRecord)},
    ("put", _DESCRIPTION): {"200": ("Set; predictions see it within 5 s", records.DescriptionRecord)},
    ("delete", _DESCRIPTION): {"200": ("Again as its import left it", records.DescriptionRecord)},
    ("get", "/api/v1/models/{model}/versions/{version}/download"): {"200": ("Presigned URLs", records.Downloads)},
    ("post", "/api/v1/models/{model}/versions/{version}/verify"): _ACCEPTED,
    ("get", "/api/v1/models/{model}/aliases/{alias}"): {
        "200": ("The alias; with ?at as it was then", records.AliasRecord)
    },
    ("put", "/api/v1/models/{model}/aliases/{alias}"): {"200": ("Moved", records.AliasRecord)},
    ("delete", "/api/v1/models/{model}/aliases/{alias}"): {"204": ("Removed", None)},
    ("get", "/api/v1/models/{model}/aliases/{alias}/history"): {"200": ("Newest first", records.MoveList)},
    ("post", "/api/v1/models/{model}/aliases/{alias}/rollback"): {"200": ("Rolled back", records.AliasRecord)},
    ("get", "/api/v1/jobs"): {"200": ("Newest first", records.JobList)},
    ("get", "/api/v1/jobs/{job_id}"): {"200": ("The job", records.JobRecord)},
    ("get", "/api/v1/jobs/{job_id}/log"): {"200": ("Oldest line first", records.LogRecord)},
    ("post", "/api/v1/jobs/{job_id}/cancel"): {"200": ("Cancelled", records.JobRecord)},
    ("get", "/api/v1/limits"): {"200": ("Limits and usage", records.LimitsRecord)},
    ("post", "/api/v1/jobs/{job_id}/retry"): {"202": ("Running again", records.JobRecord)},
    ("get", "/api/v1/jobs/{job_id}/result"): {
        "200": (
            "What the direct call answers, status and headers too: one that was refused is refused here; "
            "of a compression the job's `result`",
            None,
        ),
        "303": ("Too large for one call: Location gives it for an hour", None),
    },
    ("post", "/api/v1/models/{model}/predictions"): _ACCEPTED
    | {"201": ("With ?size: where to put the body", records.AwaitedPrediction)},
    ("post", _COMPRESSIONS): _ACCEPTED
    | {"201": ("With a file announced in `data`: where to put it", records.AwaitedCompression)},
    ("get", _COMPRESSIONS): {"200": ("Newest first", records.CompressionList)},
    ("get", "/api/v1/jobs/{job_id}/report"): {
        "200": ("What was tried, measured and chosen", None),
        "303": ("Too large for one call: Location gives it for an hour", None),
    },
    ("get", "/api/v1/jobs/{job_id}/report.html"): {
        "200": ("The same as a page", None),
        "303": ("Too large for one call: Location gives it for an hour", None),
    },
    ("post", "/api/v1/webhook-secret"): {"201": ("Made; the only time it is told", records.WebhookSecretRecord)},
    ("get", "/api/v1/keys"): {"200": ("Oldest first", records.KeyList)},
    ("post", "/api/v1/keys"): {"201": ("Made; the only time its secret is told", records.KeySecret)},
    ("post", "/api/v1/keys/{key_id}/rotate"): {"200": ("Rotated; the only time its secret is told", records.KeySecret)},
    ("delete", "/api/v1/keys/{key_id}"): {"204": ("Revoked", None)},
    ("get", "/health"): {"200": ("It answers", None)},
    ("get", "/openapi.json"): {"200": ("OpenAPI 3.1", None)},
}
_SCHEMA = "#/components/schemas/{name}"

_FILE = {"type": "string", "format": "binary"}
_UPLOAD_FORM = {
    "type": "object",
    "properties": {
        "model": _FILE | {"description": "the model file or archive; `file` is another name for it"},
        "file": _FILE,
        "data": _FILE | {"description": "a sample input (.npz, .npy, .json), kept and verified"},
        "name": {"type": "string", "description": "else made of the file's name"},
        "version": {"type": "integer", "minimum": 1, "maximum": MAX_NUMBER, "description": "else the next free number"},
        "label": {"type": "string"},
        "labels": {"type": "string", "description": "class names: a JSON list, or separated by commas"},
        "accept_drift": {
            "type": "string",
            "enum": ["true", "false"],
            "description": "take a conversion that answers otherwise than the original, beyond the tolerance",
        },
        "description": {"type": "string", "description": "a model description, YAML or JSON, as text or as a file"},
    },
}


def document(control_plane: Any) -> Json:
    """OpenAPI 3.1 of every route; `control_plane` is the Powertools resolver."""
    whole: Json = json.loads(control_plane.get_openapi_json_schema(title=TITLE, version=VERSION))
    for path, item in whole["paths"].items():
        for method, operation in item.items():
            operation["responses"] = _responses(ANSWERS[method, path])
            if method == "post":
                operation["parameters"] = [*operation.get("parameters", []), PARAMETER]
            if path in PUBLIC:
                operation["security"] = []
    form = {"multipart/form-data": {"schema": _UPLOAD_FORM}}
    whole["paths"]["/upload"]["post"]["requestBody"] = {"required": True, "content": form}
    document = {"schema": {"type": "object", "required": ["aimass"], "properties": {"aimass": {"const": 1}}}}
    written = {"application/yaml": document, "application/json": document}
    whole["paths"][_DESCRIPTION]["put"]["requestBody"] = {"required": True, "content": written}
    whole["paths"]["/upload"]["post"]["responses"]["413"] = {
        "description": "Over about 4.5 MB a function never sees the call: the gateway answers with its own body, "
        '{"message": "Request Entity Too Large"}. Send it in parts, by POST /api/v1/uploads'
    }
    direct = NATIVE["/predict/{model}"]["post"]["requestBody"]
    job = whole["paths"]["/api/v1/models/{model}/predictions"]["post"]
    job["requestBody"] = {**direct, "required": False}  # with ?size it is sent later
    for path, media, schema in _REPORTS:
        whole["paths"][path]["get"]["responses"]["200"]["content"] = {media: {"schema": schema}}
    whole["paths"] |= NATIVE | TENSORFLOW_SERVING | OPEN_INFERENCE
    for path in PUBLIC & whole["paths"].keys():
        whole["paths"][path]["get"]["security"] = []
    schemas = whole["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError", "ResponseValidationError"):
        schemas.pop(name, None)
    kinds = {kind for answers in ANSWERS.values() for _, kind in answers.values() if kind}
    _, described = msgspec.json.schema_components(sorted(kinds, key=_name), ref_template=_SCHEMA)
    schemas |= described | {"Error": NATIVE_ERROR}
    whole["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    whole["security"] = [{"key": []}]
    return whole


def _responses(answers: dict[str, tuple[str, Any]]) -> Json:
    error = _content({"$ref": _SCHEMA.format(name="Error")})
    said: Json = {
        "4XX": {"description": "Refused", **error},
        "5XX": {"description": "A fault of ours, or busy: Retry-After says when to come back", **error},
    }
    for status, (meaning, kind) in answers.items():
        said[status] = {"description": meaning} | (_content({"$ref": _SCHEMA.format(name=_name(kind))}) if kind else {})
    return said


def _content(schema: Json) -> Json:
    return {"content": {"application/json": {"schema": schema}}}


def _name(kind: Any) -> str:
    return str(kind.__name__)

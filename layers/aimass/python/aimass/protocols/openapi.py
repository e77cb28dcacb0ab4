"""The whole service's OpenAPI document, from the code: the control plane's resolver, the data plane's protocols."""

from __future__ import annotations

import json
from typing import Any

from aimass.protocols.native.openapi import OPENAPI as NATIVE
from aimass.protocols.openinference.openapi import OPENAPI as OPEN_INFERENCE
from aimass.protocols.tfserving.openapi import OPENAPI as TENSORFLOW_SERVING

Json = dict[str, Any]

TITLE = "AI Mass"
VERSION = "0.1.0"

PUBLIC = {"/health", "/openapi.json", "/v2/health/live", "/v2/health/ready"}
_ACCEPTED = {"202": "Accepted: model_name, version, job_id, status_url"}
SUCCESS = {
    ("post", "/upload"): _ACCEPTED | {"201": "With ?wait: the registered version's record"},
    ("post", "/api/v1/uploads"): {"201": "upload_id, part_size, and a URL for each part"},
    ("post", "/api/v1/uploads/{upload_id}/complete"): _ACCEPTED,
    ("delete", "/api/v1/uploads/{upload_id}"): {"204": "Dropped"},
    ("post", "/api/v1/jobs/{job_id}/retry"): {"202": "The job, running again"},
}

_FILE = {"type": "string", "format": "binary"}
_UPLOAD_FORM = {
    "type": "object",
    "properties": {
        "model": _FILE | {"description": "the model file or archive; `file` is another name for it"},
        "file": _FILE,
        "data": _FILE | {"description": "a sample input (.npz, .npy, .json), kept and verified"},
        "name": {"type": "string", "description": "else made of the file's name"},
        "version": {"type": "integer", "minimum": 1, "maximum": 999_999, "description": "else the next free number"},
        "label": {"type": "string"},
        "labels": {"type": "string", "description": "class names: a JSON list, or separated by commas"},
    },
}
_ERROR = {
    "type": "object",
    "required": ["error", "code", "details", "request_id"],
    "properties": {
        "error": {"type": "string"},
        "code": {"type": "string"},
        "details": {"type": "object"},
        "request_id": {"type": "string"},
    },
}


def document(control_plane: Any) -> Json:
    """OpenAPI 3.1 of every route; `control_plane` is the Powertools resolver."""
    whole: Json = json.loads(control_plane.get_openapi_json_schema(title=TITLE, version=VERSION))
    for path, item in whole["paths"].items():
        for method, operation in item.items():
            answers = SUCCESS.get((method, path), {"200": "OK"})
            operation["responses"] = _responses(answers, operation["responses"]["200"].get("content"))
            if path in PUBLIC:
                operation["security"] = []
    form = {"multipart/form-data": {"schema": _UPLOAD_FORM}}
    whole["paths"]["/upload"]["post"]["requestBody"] = {"required": True, "content": form}
    whole["paths"]["/upload"]["post"]["responses"]["413"] = {
        "description": "Over about 4.5 MB a function never sees the call: the gateway answers with its own body, "
        '{"message": "Request Entity Too Large"}. Send it in parts, by POST /api/v1/uploads'
    }
    whole["paths"] |= NATIVE | TENSORFLOW_SERVING | OPEN_INFERENCE
    for path in PUBLIC & whole["paths"].keys():
        whole["paths"][path]["get"]["security"] = []
    schemas = whole["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError", "ResponseValidationError"):
        schemas.pop(name, None)
    schemas["Error"] = _ERROR
    whole["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    whole["security"] = [{"key": []}]
    return whole


def _responses(answers: dict[str, str], content: Any) -> Json:
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    said: Json = {"4XX": {"description": "Refused", **error}, "5XX": {"description": "A fault of ours", **error}}
    for status, meaning in answers.items():
        said[status] = {"description": meaning} | ({"content": content} if content and status != "204" else {})
    return said

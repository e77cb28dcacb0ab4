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
    for path in whole["paths"].values():
        for operation in path.values():
            _say_errors_as_they_are(operation)
    form = {"multipart/form-data": {"schema": _UPLOAD_FORM}}
    whole["paths"]["/upload"]["post"]["requestBody"] = {"required": True, "content": form}
    whole["paths"] |= NATIVE | TENSORFLOW_SERVING | OPEN_INFERENCE
    schemas = whole["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Error"] = _ERROR
    whole["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    whole["security"] = [{"key": []}]
    return whole


def _say_errors_as_they_are(operation: Json) -> None:
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    operation["responses"].pop("422", None)
    operation["responses"] |= {
        "4XX": {"description": "Refused", **error},
        "5XX": {"description": "A fault of ours", **error},
    }

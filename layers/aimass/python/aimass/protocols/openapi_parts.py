"""Pieces that the protocols' OpenAPI 3.1 path items are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

ANY: Json = {}
TEXT: Json = {"type": "string"}
NUMBER: Json = {"type": "integer"}

NATIVE_ERROR: Json = {
    "type": "object",
    "required": ["error", "code", "details", "request_id"],
    "properties": {"error": TEXT, "code": TEXT, "details": {"type": "object"}, "request_id": TEXT},
}
#: Open Inference Protocol and TensorFlow Serving.
PLAIN_ERROR: Json = {"type": "object", "required": ["error"], "properties": {"error": TEXT}}

_MEANINGS = {
    400: "The request is malformed, or the model refused these inputs",
    404: "No such model, version or alias",
    409: "The version is not ready",
    413: "The request or the answer is too large for one call",
    429: "More calls this second than the tenant may make; Retry-After says when to come back",
    501: "Not offered",
    503: "All that can run models of this size is busy; Retry-After says when to come back",
    504: "The prediction took too long",
    507: "The prediction asked for more memory than its function has",
}
PREDICTION_ERRORS = (400, 404, 409, 413, 429, 503, 504, 507)
LOOKUP_ERRORS = (404, 409, 429)


def json_object(properties: Json, required: tuple[str, ...] = ()) -> Json:
    """The schema of an object."""
    return {"type": "object", "properties": properties, "required": list(required)}


def operation(
    summary: str,
    answer: Json,
    *,
    request: Mapping[str, Json] | None = None,
    errors: tuple[int, ...] = (),
    error: Json = NATIVE_ERROR,
    parameters: tuple[str, ...] = (),
    binary_answer: bool = False,
) -> Json:
    """An operation: `request` maps media types to schemas, `errors` are statuses, `parameters` the path's."""
    content = {"application/json": {"schema": answer}}
    if binary_answer:
        content["application/octet-stream"] = {"schema": {"type": "string", "format": "binary"}}
    item: Json = {
        "summary": summary,
        "responses": {"200": {"description": "OK", "content": content}}
        | {str(one): _error_response(one, error) for one in errors},
    }
    if parameters:
        item["parameters"] = [{"name": one, "in": "path", "required": True, "schema": TEXT} for one in parameters]
    if request:
        item["requestBody"] = {"required": True, "content": {media: {"schema": one} for media, one in request.items()}}
    return item


def _error_response(status: int, schema: Json) -> Json:
    return {"description": _MEANINGS[status], "content": {"application/json": {"schema": schema}}}

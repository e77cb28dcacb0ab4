"""The Open Inference Protocol's calls in OpenAPI's terms."""

from __future__ import annotations

from aimass.protocols.openapi_parts import (
    ANY,
    LOOKUP_ERRORS,
    PLAIN_ERROR,
    PREDICTION_ERRORS,
    TEXT,
    Json,
    json_object,
    operation,
)

_SHAPE: Json = {"type": "array", "items": {"type": "integer"}}
_DESCRIBED = {"name": TEXT, "datatype": TEXT, "shape": _SHAPE}
_TENSOR = json_object(
    {**_DESCRIBED, "parameters": {"type": "object"}, "data": {"description": "Nested or flat, row-major"}},
    ("name", "datatype", "shape"),
)
_REQUEST = json_object(
    {
        "id": TEXT,
        "parameters": {"type": "object"},
        "inputs": {"type": "array", "items": _TENSOR},
        "outputs": {"type": "array", "items": json_object({"name": TEXT, "parameters": {"type": "object"}}, ("name",))},
    },
    ("inputs",),
)
_ANSWER = json_object(
    {"model_name": TEXT, "model_version": TEXT, "id": TEXT, "outputs": {"type": "array", "items": _TENSOR}},
    ("model_name", "outputs"),
)
_SPECS: Json = {"type": "array", "items": json_object(_DESCRIBED, ("name", "datatype", "shape"))}
_METADATA = json_object(
    {"name": TEXT, "versions": {"type": "array", "items": TEXT}, "platform": TEXT, "inputs": _SPECS, "outputs": _SPECS},
    ("name", "platform", "inputs", "outputs"),
)
_SERVER = json_object({"name": TEXT, "version": TEXT, "extensions": {"type": "array", "items": TEXT}})
_BINARY: Json = {
    "type": "string",
    "format": "binary",
    "description": "JSON, then the tensors; Inference-Header-Content-Length is the length of the JSON",
}


def _health(what: str) -> Json:
    return {"get": operation(f"Whether the service is {what}", json_object({what: {"type": "boolean"}}, (what,)))}


def _model(form: str, *parameters: str) -> Json:
    infer = operation(
        "Infer",
        _ANSWER,
        request={"application/json": _REQUEST, "application/octet-stream": _BINARY},
        errors=PREDICTION_ERRORS,
        error=PLAIN_ERROR,
        parameters=parameters,
        binary_answer=True,
    )
    readiness = json_object({"name": TEXT, "ready": {"type": "boolean"}}, ("name", "ready"))
    return {
        form: {"get": _get("Inputs and outputs of a model", _METADATA, parameters)},
        f"{form}/ready": {"get": _get("Whether a model answers", readiness, parameters)},
        f"{form}/infer": {"post": infer},
        f"{form}/stats": {"get": _not_offered(parameters)},
        f"{form}/config": {"get": _not_offered(parameters)},
    }


def _get(summary: str, answer: Json, parameters: tuple[str, ...]) -> Json:
    return operation(summary, answer, errors=LOOKUP_ERRORS, error=PLAIN_ERROR, parameters=parameters)


def _not_offered(parameters: tuple[str, ...] = ()) -> Json:
    return operation("Not offered", ANY, errors=(404, 501), error=PLAIN_ERROR, parameters=parameters)


OPENAPI: Json = (
    {
        "/v2": {"get": operation("What the server is", _SERVER)},
        "/v2/health/live": _health("live"),
        "/v2/health/ready": _health("ready"),
        "/v2/repository/index": {"post": _not_offered()},
    }
    | _model("/v2/models/{model}", "model")
    | _model("/v2/models/{model}/versions/{version}", "model", "version")
)

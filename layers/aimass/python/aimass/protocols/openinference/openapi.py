"""The Open Inference Protocol's calls in OpenAPI's terms."""

from __future__ import annotations

from aimass.protocols.openapi_parts import (
    ANY,
    LOOKUP_ERRORS,
    NUMBER,
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
        "parameters": {"type": "object", "properties": {"binary_data_output": {"type": "boolean"}, "variant": TEXT}},
        "inputs": {"type": "array", "items": _TENSOR},
        "outputs": {"type": "array", "items": json_object({"name": TEXT, "parameters": {"type": "object"}}, ("name",))},
    },
    ("inputs",),
)
_ANSWER = json_object(
    {
        "model_name": TEXT,
        "model_version": TEXT,
        "id": TEXT,
        "parameters": {"type": "object", "description": "Those of the request"},
        "outputs": {"type": "array", "items": _TENSOR},
    },
    ("model_name", "outputs"),
)
_SPECS: Json = {"type": "array", "items": json_object(_DESCRIBED, ("name", "datatype", "shape"))}
_METADATA = json_object(
    {"name": TEXT, "versions": {"type": "array", "items": TEXT}, "platform": TEXT, "inputs": _SPECS, "outputs": _SPECS},
    ("name", "platform", "inputs", "outputs"),
)
_COUNTED = json_object({"count": NUMBER, "ns": NUMBER}, ("count", "ns"))
_PARTS = ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output", "cache_hit", "cache_miss")
_MODEL_STATS = json_object(
    {
        "name": TEXT,
        "version": TEXT,
        "last_inference": NUMBER,
        "inference_count": NUMBER,
        "execution_count": NUMBER,
        "inference_stats": json_object(dict.fromkeys(_PARTS, _COUNTED), _PARTS),
        "batch_stats": {"type": "array", "items": ANY},
    },
    ("name", "version", "inference_count", "execution_count", "inference_stats"),
)
_STATS = json_object({"model_stats": {"type": "array", "items": _MODEL_STATS}}, ("model_stats",))
_CONFIGURED: Json = {"type": "array", "items": json_object({"name": TEXT, "data_type": TEXT, "dims": _SHAPE})}
_CONFIG = json_object(
    {"name": TEXT, "platform": TEXT, "max_batch_size": NUMBER, "input": _CONFIGURED, "output": _CONFIGURED},
    ("name", "platform", "max_batch_size", "input", "output"),
)
_LISTED = json_object({"name": TEXT, "version": TEXT, "state": TEXT, "reason": TEXT}, ("name",))
_INDEX: Json = {"type": "array", "items": _LISTED}
_ASKED_INDEX: Json = {"application/json": json_object({"ready": {"type": "boolean"}})}
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
        f"{form}/stats": {"get": _get("What the process that answers has counted (Triton)", _STATS, parameters)},
        f"{form}/config": {"get": _get("Triton's model configuration", _CONFIG, parameters)},
    }


def _get(summary: str, answer: Json, parameters: tuple[str, ...]) -> Json:
    return operation(summary, answer, errors=LOOKUP_ERRORS, error=PLAIN_ERROR, parameters=parameters)


def _all_stats() -> Json:
    summary = "What the process that answers has counted of the tenant's models (Triton)"
    return operation(summary, _STATS, errors=(429,), error=PLAIN_ERROR)


def _repository() -> Json:
    index = operation(
        "The tenant's models (Triton)", _INDEX, request=_ASKED_INDEX, errors=(400, 429), error=PLAIN_ERROR
    )
    index["requestBody"]["required"] = False
    return {"post": index}


def _not_offered(*methods: str, parameters: tuple[str, ...] = ()) -> Json:
    errors = (404, 501) if parameters else (501,)
    refused = operation("Not offered", ANY, errors=errors, error=PLAIN_ERROR, parameters=parameters)
    del refused["responses"]["200"]
    return dict.fromkeys(methods, refused)


def _shared_memory(root: str) -> Json:
    region = f"{root}/region/{{region}}"
    return {
        f"{root}/status": _not_offered("get"),
        f"{root}/unregister": _not_offered("post"),
        f"{region}/status": _not_offered("get", parameters=("region",)),
        f"{region}/register": _not_offered("post", parameters=("region",)),
        f"{region}/unregister": _not_offered("post", parameters=("region",)),
    }


OPENAPI: Json = (
    {
        "/v2": {"get": operation("What the server is", _SERVER)},
        "/v2/health/live": _health("live"),
        "/v2/health/ready": _health("ready"),
        "/v2/repository/index": _repository(),
        "/v2/models/stats": {"get": _all_stats()},
        "/v2/repository/models/{model}/load": _not_offered("post", parameters=("model",)),
        "/v2/repository/models/{model}/unload": _not_offered("post", parameters=("model",)),
        "/v2/logging": _not_offered("get", "post"),
        "/v2/trace/setting": _not_offered("get", "post"),
        "/v2/models/{model}/trace/setting": _not_offered("get", "post", parameters=("model",)),
    }
    | _shared_memory("/v2/systemsharedmemory")
    | _shared_memory("/v2/cudasharedmemory")
    | _model("/v2/models/{model}", "model")
    | _model("/v2/models/{model}/versions/{version}", "model", "version")
)

"""TensorFlow Serving's calls in OpenAPI's terms."""

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

_REQUEST = json_object(
    {
        "signature_name": TEXT,
        "instances": {"type": "array", "items": ANY, "description": "Rows: {input: value}, or the only input's values"},
        "inputs": {"description": "Columns: {input: value}, or the only input's value"},
    }
)
_ANSWER = json_object({"predictions": {"description": "Rows, for instances"}, "outputs": {"description": "For inputs"}})
_CODE = json_object({"error_code": TEXT, "error_message": TEXT})
_ENTRY = json_object({"version": TEXT, "state": TEXT, "status": _CODE})
_STATUS = json_object({"model_version_status": {"type": "array", "items": _ENTRY}}, ("model_version_status",))


def _predict(parameters: tuple[str, ...]) -> Json:
    return operation(
        "Predict, as TensorFlow Serving does",
        _ANSWER,
        request={"application/json": _REQUEST},
        errors=PREDICTION_ERRORS,
        error=PLAIN_ERROR,
        parameters=parameters,
    )


def _status(parameters: tuple[str, ...]) -> Json:
    return operation("A model's status", _STATUS, errors=LOOKUP_ERRORS, error=PLAIN_ERROR, parameters=parameters)


def _not_offered(method: str, parameters: tuple[str, ...]) -> Json:
    return {method: operation("Not offered yet", {}, errors=(404, 501), error=PLAIN_ERROR, parameters=parameters)}


def _form(form: str, parameters: tuple[str, ...]) -> Json:
    return {
        form: {"get": _status(parameters)},
        f"{form}:predict": {"post": _predict(parameters)},
        f"{form}:classify": _not_offered("post", parameters),
        f"{form}:regress": _not_offered("post", parameters),
        f"{form}/metadata": _not_offered("get", parameters),
    }


_MODEL = "/v1/models/{model}"

OPENAPI: Json = (
    _form(_MODEL, ("model",))
    | _form(f"{_MODEL}/versions/{{version}}", ("model", "version"))
    | _form(f"{_MODEL}/labels/{{label}}", ("model", "label"))
)

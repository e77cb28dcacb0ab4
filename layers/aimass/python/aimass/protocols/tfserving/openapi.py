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
_EXAMPLE: Json = {
    "type": "object",
    "description": "{input: value}, or {column: cell}, one text or one picture as {b64} where the description has them",
}
_EXAMPLES = json_object(
    {
        "signature_name": TEXT,
        "context": {"type": "object", "description": "What all examples have in common"},
        "examples": {"type": "array", "minItems": 1, "items": _EXAMPLE},
    },
    ("examples",),
)
_PAIR: Json = {"type": "array", "prefixItems": [TEXT, {"type": "number"}], "minItems": 2, "maxItems": 2}
_CLASSES = json_object(
    {"results": {"type": "array", "items": {"type": "array", "items": _PAIR}, "description": "[label, score] pairs"}},
    ("results",),
)
_NUMBERS = json_object({"results": {"type": "array", "items": {"type": "number"}}}, ("results",))
_METADATA = json_object(
    {
        "model_spec": json_object({"name": TEXT, "signature_name": TEXT, "version": TEXT}, ("name", "version")),
        "metadata": json_object(
            {"signature_def": {"type": "object", "description": "signature_def.serving_default: inputs and outputs"}},
            ("signature_def",),
        ),
    },
    ("model_spec", "metadata"),
)
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


def _examples(summary: str, answer: Json, parameters: tuple[str, ...]) -> Json:
    return operation(
        summary,
        answer,
        request={"application/json": _EXAMPLES},
        errors=PREDICTION_ERRORS,
        error=PLAIN_ERROR,
        parameters=parameters,
    )


def _metadata(parameters: tuple[str, ...]) -> Json:
    summary = "The signature of a model: its inputs and outputs"
    return operation(summary, _METADATA, errors=LOOKUP_ERRORS, error=PLAIN_ERROR, parameters=parameters)


def _form(form: str, parameters: tuple[str, ...]) -> Json:
    return {
        form: {"get": _status(parameters)},
        f"{form}:predict": {"post": _predict(parameters)},
        f"{form}:classify": {"post": _examples("Labels and scores of each example", _CLASSES, parameters)},
        f"{form}:regress": {"post": _examples("One number for each example", _NUMBERS, parameters)},
        f"{form}/metadata": {"get": _metadata(parameters)},
    }


_MODEL = "/v1/models/{model}"

OPENAPI: Json = (
    _form(_MODEL, ("model",))
    | _form(f"{_MODEL}/versions/{{version}}", ("model", "version"))
    | _form(f"{_MODEL}/labels/{{label}}", ("model", "label"))
)

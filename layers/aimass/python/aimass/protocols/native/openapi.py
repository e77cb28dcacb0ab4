"""`POST /predict` in OpenAPI's terms."""

from __future__ import annotations

from aimass.protocols.openapi_parts import ANY, NUMBER, PREDICTION_ERRORS, TEXT, Json, json_object, operation

INPUT_FORMATS = ("numpy array", "json")
COMPRESSIONS = (None, "original")

_REQUEST = json_object(
    {
        "model_name": TEXT,
        "version": {
            "description": "A number, an alias's name, or null for the default: alias 'prod' if set, else the latest",
            "type": ["integer", "string", "null"],
        },
        "input_format": {"enum": list(INPUT_FORMATS)},
        "compress": {"enum": list(COMPRESSIONS)},
        "data": {
            "description": "'numpy array': nested lists, or {input: nested lists} for several inputs. 'json': a list "
            "of rows {input: value} (for one input, values alone), or one object of columns {input: list}"
        },
    },
    ("model_name", "input_format", "data"),
)
_ANSWER = json_object(
    {
        "model_name": TEXT,
        "version": NUMBER,
        "variant": TEXT,
        "prediction": {"description": "The only output's value, or {output: value} for several"},
        "labels": {"type": "array", "items": ANY, "description": "One a row, of a classifier"},
        "probabilities": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
        "classes": {"type": "array", "items": ANY, "description": "What the columns of `probabilities` stand for"},
    },
    ("model_name", "version", "variant", "prediction"),
)

OPENAPI: Json = {
    "/predict": {
        "post": operation("Predict", _ANSWER, request={"application/json": _REQUEST}, errors=PREDICTION_ERRORS)
    }
}

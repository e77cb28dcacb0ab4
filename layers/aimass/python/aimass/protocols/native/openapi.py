"""`POST /predict` and `POST /predict/{model}` in OpenAPI's terms."""

from __future__ import annotations

from aimass.protocols.openapi_parts import ANY, NUMBER, PREDICTION_ERRORS, TEXT, Json, json_object, operation

INPUT_FORMATS = ("numpy array", "json", "image", "text", "csv")

_VERSION = "A number, an alias's name, or null for the default: alias 'prod' if set, else the latest"
_VARIANT = "A variant's name, or null for the one that the version answers with"
_DATA = (
    "'numpy array': nested lists, or {input: nested lists} for several inputs. 'json': a list of rows {input: value} "
    "(for one input, values alone), one object of columns {input: list}, or rows by the columns of the version's "
    "description. 'image': base64 text, a data URL, {\"b64\": base64}, or a list of those. 'text': a string or a list "
    "of strings. 'csv': CSV text with a header line"
)
_ARGUMENTS = {
    "model_name": TEXT,
    "version": {"description": _VERSION, "type": ["integer", "string", "null"]},
    "input_format": {"enum": list(INPUT_FORMATS)},
    "compress": {"description": _VARIANT, "type": ["string", "null"]},
    "data": {"description": _DATA},
}
_OBJECT = json_object(_ARGUMENTS, ("model_name", "input_format", "data"))
_OBJECT_OR_LIST: Json = {
    "description": "The arguments of POST /predict, the model's name left out; or, without `data`, the input alone: a "
    "list, or an object that is one row or names columns or inputs",
    "anyOf": [json_object(_ARGUMENTS, ("data",)), {"type": "array", "items": ANY}, {"type": "object"}],
}
_FILE: Json = {"type": "string", "format": "binary"}
_FIELDS: Json = {
    "model_name": TEXT,
    "version": {"type": "string", "description": _VERSION},
    "input_format": {"enum": list(INPUT_FORMATS), "description": "Else by a file's name, type and first bytes"},
    "compress": {"type": "string", "description": _VARIANT},
    "data": {
        "description": "One file or several (pictures, .npy, .npz, .csv, .txt, .json), or text",
        "type": "array",
        "items": _FILE,
    },
}
_BODIES = {
    "application/x-npy": "A NumPy array (.npy), or one for each input (.npz)",
    "image/*": "A picture: JPEG, PNG, WebP, GIF, BMP, TIFF",
    "text/plain": "One text, in UTF-8 or the charset named",
    "text/csv": "Table rows under a header line",
    "application/octet-stream": "A picture, a NumPy file, else the only input's bytes",
}
_NUMBER_OR_NULL = {"type": ["number", "null"]}
_LABELLED = json_object({"label": ANY, "probability": _NUMBER_OR_NULL, "score": _NUMBER_OR_NULL}, ("label",))
_ANSWER = json_object(
    {
        "model_name": TEXT,
        "version": NUMBER,
        "variant": TEXT,
        "prediction": {
            "description": "Of pictures, texts and table rows, where the version's description has classes: "
            "{label, probability} ({label, score} where the numbers are no probabilities), best first, in a list for "
            "each row, of a single file, text or object that list alone. Else the only output's value, or "
            "{output: value} for several",
            "anyOf": [ANY, {"type": "array", "items": _LABELLED}],
        },
        "labels": {"type": "array", "items": ANY, "description": "One a row, of a classifier; null for NaN"},
        "probabilities": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
        "classes": {"type": "array", "items": ANY, "description": "What the columns of `probabilities` stand for"},
    },
    ("model_name", "version", "variant", "prediction"),
)


def _in_the_query(name: str) -> Json:
    schema = {key: value for key, value in _FIELDS[name].items() if key != "description"}
    return {"name": name, "in": "query", "description": _FIELDS[name]["description"], "schema": schema}


def _of_a_model() -> Json:
    bodies = {media: _FILE | {"description": what} for media, what in _BODIES.items()}
    form = json_object(_FIELDS, ("data",))
    request = {"application/json": _OBJECT_OR_LIST, "multipart/form-data": form, **bodies}
    item = operation(
        "Predict with the input as the body", _ANSWER, request=request, errors=PREDICTION_ERRORS, parameters=("model",)
    )
    item["parameters"] += [_in_the_query(name) for name in ("version", "input_format", "compress")]
    return item


_FORM = json_object(_FIELDS, ("model_name", "data"))

OPENAPI: Json = {
    "/predict": {
        "post": operation(
            "Predict",
            _ANSWER,
            request={"application/json": _OBJECT, "multipart/form-data": _FORM},
            errors=PREDICTION_ERRORS,
        )
    },
    "/predict/{model}": {"post": _of_a_model()},
}

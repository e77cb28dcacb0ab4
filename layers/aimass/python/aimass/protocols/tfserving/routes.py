"""TensorFlow Serving's routes. Importing them loads no numpy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from aimass.domain.errors import AimassError, VersionNotReady
from aimass.inference.dataplane import Asked
from aimass.protocols.http import HttpRequest, HttpResponse, plain_body
from aimass.protocols.routing import Decoded, Handle, OpenDataPlane, Route
from aimass.protocols.status import status_of
from aimass.protocols.tfserving.metadata import metadata, status_entries, status_entry


def predict(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> Decoded:
    """`POST …:predict`. Raises InvalidArguments and what finding a version raises."""
    from aimass.protocols.tfserving.described import columns_as_rows, media_of
    from aimass.protocols.tfserving.predict import answer, parse_request, read_inputs

    call = parse_request(plain_body(request))
    plane = open_data_plane()
    version = plane.find_version(request.owner, parts["model"], _ref(parts))
    media = media_of(version, call.data if call.rows else columns_as_rows(call.data))
    inputs = plane.prepare(request.owner, version, media) if media else read_inputs(version, call)
    return Decoded(Asked(version, inputs), partial(answer, call))


def classify(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> Decoded:
    """`POST …:classify`. Raises InvalidArguments and what finding a version raises."""
    from aimass.protocols.tfserving.examples import classified

    return _examples(request, parts, open_data_plane, classified)


def regress(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> Decoded:
    """`POST …:regress`. Raises InvalidArguments and what finding a version raises."""
    from aimass.protocols.tfserving.examples import regressed

    return _examples(request, parts, open_data_plane, regressed)


def _examples(
    request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane, answer: Callable[..., HttpResponse]
) -> Decoded:
    from aimass.protocols.tfserving.described import media_of
    from aimass.protocols.tfserving.examples import parse_examples, read_examples

    call = parse_examples(plain_body(request))
    plane = open_data_plane()
    version = plane.find_version(request.owner, parts["model"], _ref(parts))
    media = media_of(version, call.examples)
    inputs = plane.prepare(request.owner, version, media) if media else read_examples(version.inputs, call)
    return Decoded(Asked(version, inputs), partial(answer, call))


def status(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> HttpResponse:
    """`GET /v1/models/{model}`: every version, or the one named."""
    plane, model, ref = open_data_plane(), parts["model"], _ref(parts)
    number, state = None, "ready"
    try:
        number = plane.find_version(request.owner, model, ref).number
    except VersionNotReady as error:
        if ref:
            number, state = error.details["version"], error.details["state"]
    if ref and number:
        return _json({"model_version_status": [status_entry(number, state)]})
    return _json({"model_version_status": status_entries(number, plane.versions_of(request.owner, model))})


def model_metadata(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> HttpResponse:
    """`GET …/metadata`: the signature. Raises what finding a version raises."""
    return _json(metadata(open_data_plane().find_version(request.owner, parts["model"], _ref(parts))))


def refuse(error: AimassError, request: HttpRequest) -> HttpResponse:
    """`{"error": text}`, as TensorFlow Serving answers."""
    return _json({"error": error.message}, status_of(error))


def _json(body: dict[str, Any], status: int = 200) -> HttpResponse:
    return HttpResponse(status, json.dumps(body).encode(), {"content-type": "application/json"})


def _ref(parts: Mapping[str, str]) -> str | None:
    return parts.get("version") or parts.get("label")


_MODEL = "/v1/models/{model}"
_FORMS = (_MODEL, f"{_MODEL}/versions/{{version}}", f"{_MODEL}/labels/{{label}}")
_VERBS: Mapping[str, Handle] = {"predict": predict, "classify": classify, "regress": regress}

ROUTES = (
    *(Route("POST", f"{form}:{verb}", handle) for verb, handle in _VERBS.items() for form in _FORMS),
    *(Route("GET", form, status) for form in _FORMS),
    *(Route("GET", f"{form}/metadata", model_metadata) for form in _FORMS),
)

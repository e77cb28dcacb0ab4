"""TensorFlow Serving's routes. Importing them loads no numpy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial

from aimass.domain.errors import AimassError, NotSupported, VersionNotReady
from aimass.inference.dataplane import Asked
from aimass.protocols.http import HttpRequest, HttpResponse, plain_body
from aimass.protocols.routing import Decoded, OpenDataPlane, Route
from aimass.protocols.status import status_of

_JSON = {"content-type": "application/json"}
_STATES = {"importing": "LOADING", "failed": "END", "ready": "AVAILABLE"}


def predict(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> Decoded:
    """`POST …:predict`. Raises InvalidArguments and what finding a version raises."""
    from aimass.protocols.tfserving.predict import answer, parse_request, read_inputs

    call = parse_request(plain_body(request))
    plane = open_data_plane()
    version = plane.find_version(request.owner, parts["model"], _ref(parts))
    return Decoded(Asked(version, read_inputs(version.inputs, call)), partial(answer, call))


def status(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> HttpResponse:
    """`GET /v1/models/{model}`: the version that a call without a version gets, or the one named."""
    try:
        number = open_data_plane().find_version(request.owner, parts["model"], _ref(parts)).number
        state = "ready"
    except VersionNotReady as error:
        if "version" not in error.details:
            raise
        number, state = error.details["version"], error.details["state"]
    entry = {"version": str(number), "state": _STATES[state], "status": _code(state)}
    return HttpResponse(200, json.dumps({"model_version_status": [entry]}).encode(), _JSON)


def _code(state: str) -> dict[str, str]:
    if state == "failed":
        return {"error_code": "FAILED_PRECONDITION", "error_message": "the version's import failed"}
    return {"error_code": "OK", "error_message": ""}


def not_offered(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> HttpResponse:
    """Calls of the protocol that this service does not answer. Raises NotSupported."""
    raise NotSupported("classify, regress and metadata are not offered yet; use :predict, or /v2/models/{model}")


def refuse(error: AimassError, request: HttpRequest) -> HttpResponse:
    """`{"error": text}`, as TensorFlow Serving answers."""
    return HttpResponse(status_of(error), json.dumps({"error": error.message}).encode(), _JSON)


def _ref(parts: Mapping[str, str]) -> str | None:
    return parts.get("version") or parts.get("label")


_MODEL = "/v1/models/{model}"
_FORMS = (_MODEL, f"{_MODEL}/versions/{{version}}", f"{_MODEL}/labels/{{label}}")

ROUTES = (
    *(Route("POST", f"{form}:predict", predict) for form in _FORMS),
    *(Route("GET", form, status) for form in _FORMS),
    *(Route("POST", f"{form}:{verb}", not_offered) for form in _FORMS for verb in ("classify", "regress")),
    *(Route("GET", f"{form}/metadata", not_offered) for form in _FORMS),
)

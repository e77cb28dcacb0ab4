"""The route of the platform's own protocol. Importing it loads no numpy."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aimass.domain.errors import AimassError
from aimass.inference.dataplane import Asked
from aimass.protocols.errors import error_body
from aimass.protocols.http import HttpRequest, HttpResponse, plain_body
from aimass.protocols.routing import Decoded, OpenDataPlane, Route
from aimass.protocols.status import status_of


def predict(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> Decoded:
    """`POST /predict`. Raises InvalidArguments and what finding a version raises."""
    from aimass.protocols.native.predict import answer, parse_arguments, read_inputs

    arguments = parse_arguments(plain_body(request))
    plane = open_data_plane()
    version = plane.find_version(request.owner, arguments.model_name, arguments.version)
    return Decoded(Asked(version, read_inputs(version.inputs, arguments)), answer)


def refuse(error: AimassError, request: HttpRequest) -> HttpResponse:
    """An error in the platform's own shape."""
    body = error_body(error.code, error.message, error.details, request.request_id)
    return HttpResponse(status_of(error), json.dumps(body).encode(), {"content-type": "application/json"})


ROUTES = (Route("POST", "/predict", predict),)

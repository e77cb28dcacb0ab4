"""The routes of the platform's own protocol. Importing it loads no numpy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from aimass.domain.errors import AimassError
from aimass.inference.dataplane import Asked
from aimass.protocols.errors import error_body
from aimass.protocols.http import HttpRequest, HttpResponse, plain_body
from aimass.protocols.routing import Decoded, OpenDataPlane, Route
from aimass.protocols.status import status_of

if TYPE_CHECKING:
    from aimass.protocols.native.given import Call

_FORM = "multipart/form-data"


def predict(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> Decoded:
    """`POST /predict`: JSON, or a form. Raises InvalidArguments and what finding a version raises."""
    from aimass.protocols.native.arguments import check_query, parse_json

    outside = check_query(request.query, ())
    body, sent_as = plain_body(request), request.headers.get("content-type", "")
    if not sent_as.lower().startswith(_FORM):
        return _decoded(parse_json(body, outside), request, open_data_plane)
    from aimass.protocols.native.form import parse_form

    return _decoded(parse_form(sent_as, body, outside), request, open_data_plane)


def predict_model(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> Decoded:
    """`POST /predict/{model}`: the input alone as the body; or as `POST /predict`. Raises as that does."""
    from aimass.protocols.native.arguments import PARAMETERS, check_query

    outside = {"model_name": parts["model"], **check_query(request.query, PARAMETERS)}
    body, sent_as = plain_body(request), request.headers.get("content-type", "")
    if not sent_as.lower().startswith(_FORM):
        from aimass.protocols.native.raw import parse_raw

        return _decoded(parse_raw(sent_as, body, outside), request, open_data_plane)
    from aimass.protocols.native.form import parse_form

    return _decoded(parse_form(sent_as, body, outside), request, open_data_plane)


def _decoded(call: Call, request: HttpRequest, open_data_plane: OpenDataPlane) -> Decoded:
    from aimass.protocols.native.answer import answer

    plane = open_data_plane()
    version = plane.find_version(request.owner, call.model_name, call.version)
    given = call.payload(version, lambda version, media: plane.prepare(request.owner, version, media, call.compress))
    return Decoded(Asked(version, given.inputs, variant=call.compress), partial(answer, given))


def refuse(error: AimassError, request: HttpRequest) -> HttpResponse:
    """An error in the platform's own shape."""
    body = error_body(error.code, error.message, error.details, request.request_id)
    return HttpResponse(status_of(error), json.dumps(body).encode(), {"content-type": "application/json"})


ROUTES = (Route("POST", "/predict", predict), Route("POST", "/predict/{model}", predict_model))

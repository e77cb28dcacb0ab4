"""The Open Inference Protocol's routes. Importing them loads no numpy, and health touches no registry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from aimass.domain.errors import AimassError, NotSupported
from aimass.domain.model import TensorSpec
from aimass.inference.dataplane import Asked
from aimass.protocols.http import HttpRequest, HttpResponse, plain_body
from aimass.protocols.routing import Decoded, OpenDataPlane, Route
from aimass.protocols.status import status_of

SERVER = {"name": "aimass", "version": "2", "extensions": ["binary_tensor_data"]}


def live(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> HttpResponse:
    """`GET /v2/health/live`."""
    return _json({"live": True})


def ready(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> HttpResponse:
    """`GET /v2/health/ready`."""
    return _json({"ready": True})


def server(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> HttpResponse:
    """`GET /v2`."""
    return _json(SERVER)


def model(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> HttpResponse:
    """`GET /v2/models/{model}`: inputs and outputs."""
    version = open_data_plane().find_version(request.owner, parts["model"], parts.get("version"))
    return _json(
        {
            "name": version.model,
            "versions": [str(version.number)],
            "platform": "onnx_onnxv1",
            "inputs": [_tensor(spec) for spec in version.inputs],
            "outputs": [_tensor(spec) for spec in version.outputs],
        }
    )


def model_ready(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> HttpResponse:
    """`GET /v2/models/{model}/ready`: 200 only for a version that answers."""
    version = open_data_plane().find_version(request.owner, parts["model"], parts.get("version"))
    return _json({"name": version.model, "ready": True})


def infer(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> Decoded:
    """`POST /v2/models/{model}/infer`. Raises InvalidArguments and what finding a version raises."""
    from aimass.protocols.openinference.answer import answer
    from aimass.protocols.openinference.request import parse_request, read_inputs

    call = parse_request(plain_body(request), request.headers.get("inference-header-content-length"))
    plane = open_data_plane()
    version = plane.find_version(request.owner, parts["model"], parts.get("version"))
    inputs = read_inputs(version.inputs, call)
    return Decoded(Asked(version, inputs, [one.name for one in call.outputs]), partial(answer, call))


def not_offered(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> HttpResponse:
    """Triton's own calls that this service does not answer. Raises NotSupported."""
    raise NotSupported("config, statistics and the repository index are not offered; see GET /v2/models/{model}")


def refuse(error: AimassError, request: HttpRequest) -> HttpResponse:
    """`{"error": text}`: tritonclient reads no other key."""
    return _json({"error": error.message}, status_of(error))


def _json(body: dict[str, Any], status: int = 200) -> HttpResponse:
    return HttpResponse(status, json.dumps(body).encode(), {"content-type": "application/json"})


def _tensor(spec: TensorSpec) -> dict[str, Any]:
    return {"name": spec.name, "datatype": spec.datatype, "shape": list(spec.shape)}


_MODEL = "/v2/models/{model}"
_FORMS = (_MODEL, f"{_MODEL}/versions/{{version}}")

ROUTES = (
    Route("GET", "/v2", server),
    Route("GET", "/v2/health/live", live),
    Route("GET", "/v2/health/ready", ready),
    *(Route("POST", f"{form}/infer", infer) for form in _FORMS),
    *(Route("GET", form, model) for form in _FORMS),
    *(Route("GET", f"{form}/ready", model_ready) for form in _FORMS),
    *(Route("GET", f"{form}/stats", not_offered) for form in _FORMS),
    *(Route("GET", f"{form}/config", not_offered) for form in _FORMS),
    Route("POST", "/v2/repository/index", not_offered),
)

"""The Open Inference Protocol's routes. Importing them loads no numpy, and health touches no registry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from aimass.domain.errors import AimassError, InvalidArguments, NotSupported
from aimass.domain.model import TensorSpec
from aimass.inference.dataplane import Asked
from aimass.protocols.http import HttpRequest, HttpResponse, plain_body
from aimass.protocols.openinference.triton import config, index, statistics
from aimass.protocols.routing import Decoded, OpenDataPlane, Route
from aimass.protocols.status import status_of

_EXTENSIONS = ("binary_tensor_data", "classification", "model_configuration", "model_repository", "statistics")
SERVER = {"name": "aimass", "version": "2", "extensions": list(_EXTENSIONS)}


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
    asked = Asked(version, inputs, [one.name for one in call.outputs], call.variant)
    return Decoded(asked, partial(answer, call))


def model_config(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> HttpResponse:
    """`GET /v2/models/{model}/config`: Triton's model configuration."""
    return _json(config(open_data_plane().find_version(request.owner, parts["model"], parts.get("version"))))


def model_stats(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> HttpResponse:
    """`GET /v2/models/{model}/stats`: what the process that answers has counted."""
    plane = open_data_plane()
    version = plane.find_version(request.owner, parts["model"], parts.get("version"))
    return _json(statistics({(version.model, version.number): plane.statistics(request.owner, version)}))


def all_stats(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> HttpResponse:
    """`GET /v2/models/stats`: every version that the process that answers was called for."""
    return _json(statistics(open_data_plane().all_statistics(request.owner)))


def repository_index(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> HttpResponse:
    """`POST /v2/repository/index`: the tenant's models. Raises InvalidArguments."""
    from aimass.inference.jsontext import loads

    body = plain_body(request)
    asked = loads(body) if body.strip() else {}
    if not isinstance(asked, dict) or not isinstance(asked.get("ready", False), bool):
        raise InvalidArguments("the body must be empty, or a JSON object in which 'ready' is true or false")
    return _json(index(open_data_plane().repository(request.owner), asked.get("ready", False)))


def not_offered(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> HttpResponse:
    """`POST /v2/repository/models/{model}/load` and `unload`. Raises NotSupported."""
    raise NotSupported("models are loaded by the calls that need them: upload a version, or move an alias, instead")


def not_tunable(request: HttpRequest, parts: Mapping[str, str], open_data_plane: OpenDataPlane) -> HttpResponse:
    """Triton's settings of a server's logging and tracing, and shared memory. Raises NotSupported."""
    raise NotSupported(
        "there is no one server to set up, and no memory in common with it: send tensors in the request, and read "
        "`server-timing` in the answer and a model's statistics for times"
    )


def refuse(error: AimassError, request: HttpRequest) -> HttpResponse:
    """`{"error": text}`: tritonclient reads no other key."""
    return _json({"error": error.message}, status_of(error))


def _json(body: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(status, json.dumps(body).encode(), {"content-type": "application/json"})


def _tensor(spec: TensorSpec) -> dict[str, Any]:
    return {"name": spec.name, "datatype": spec.datatype, "shape": list(spec.shape)}


_MODEL = "/v2/models/{model}"
_FORMS = (_MODEL, f"{_MODEL}/versions/{{version}}")
_MEMORIES = tuple(f"/v2/{kind}sharedmemory" for kind in ("system", "cuda"))

#: Calls of Triton's that make sense beside a server alone.
NOT_OFFERED = (
    *((method, "/v2/logging") for method in ("GET", "POST")),
    *((method, f"{of}/trace/setting") for of in ("/v2", _MODEL) for method in ("GET", "POST")),
    *(("GET", f"{memory}/status") for memory in _MEMORIES),
    *(("GET", f"{memory}/region/{{region}}/status") for memory in _MEMORIES),
    *(("POST", f"{memory}/unregister") for memory in _MEMORIES),
    *(("POST", f"{memory}/region/{{region}}/{verb}") for memory in _MEMORIES for verb in ("register", "unregister")),
)

ROUTES = (
    Route("GET", "/v2", server),
    Route("GET", "/v2/health/live", live),
    Route("GET", "/v2/health/ready", ready),
    Route("GET", "/v2/models/stats", all_stats),  # before a model of that name, whose versions have paths of their own
    *(Route("POST", f"{form}/infer", infer) for form in _FORMS),
    *(Route("GET", form, model) for form in _FORMS),
    *(Route("GET", f"{form}/ready", model_ready) for form in _FORMS),
    *(Route("GET", f"{form}/stats", model_stats) for form in _FORMS),
    *(Route("GET", f"{form}/config", model_config) for form in _FORMS),
    Route("POST", "/v2/repository/index", repository_index),
    *(Route("POST", f"/v2/repository/models/{{model}}/{verb}", not_offered) for verb in ("load", "unload")),
    *(Route(method, template, not_tunable) for method, template in NOT_OFFERED),
)

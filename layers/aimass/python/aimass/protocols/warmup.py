"""Calls that make a process load what its first real call would wait for."""

from __future__ import annotations

import json

from aimass.inference.builtin import MODEL
from aimass.inference.dataplane import DataPlane
from aimass.protocols.front import respond
from aimass.protocols.http import HttpRequest

_ROW = [[1.0, 2.0]]
_TENSOR = {"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1.0, 2.0]}
_CALLS = (
    ("/predict", {"model_name": MODEL, "input_format": "json", "data": _ROW}),
    (f"/v1/models/{MODEL}:predict", {"instances": _ROW}),
    (f"/v2/models/{MODEL}/infer", {"inputs": [_TENSOR]}),
    (f"/v2/models/{MODEL}/infer", {"inputs": [_TENSOR], "parameters": {"binary_data_output": True}}),
)


class NotWarm(Exception):
    """The built-in model did not answer: this deployment would answer nobody."""


def warm_up(plane: DataPlane) -> None:
    """One call of the built-in model in every protocol. Raises NotWarm."""
    for path, body in _CALLS:
        request = HttpRequest("POST", path, {}, {}, json.dumps(body).encode(), MODEL, MODEL)
        response = respond(request, lambda: plane, _raise)
        if response.status != 200:
            raise NotWarm(f"{path}: {response.status} {response.body[:500]!r}")


def _raise(error: Exception) -> None:
    raise NotWarm(str(error)) from error

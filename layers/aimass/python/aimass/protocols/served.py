"""The response that carries a prediction, whatever its wire."""

from __future__ import annotations

from collections.abc import Mapping

from aimass.inference.dataplane import Prediction
from aimass.protocols.http import HttpResponse

_JSON = {"content-type": "application/json"}


def served(prediction: Prediction, body: bytes, headers: Mapping[str, str] = _JSON) -> HttpResponse:
    """Status 200 with `x-model-version` and `x-model-variant`, and what the log says of the call."""
    number, variant = prediction.version.number, prediction.variant.name
    facts = {"model": prediction.version.model, "version": number, "variant": variant}
    marks = {"x-model-version": str(number), "x-model-variant": variant}
    return HttpResponse(200, body, {**headers, **marks}, facts)

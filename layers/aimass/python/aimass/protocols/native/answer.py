"""The answer of a call."""

from __future__ import annotations

from typing import Any

from aimass.inference.classes import classify
from aimass.inference.dataplane import Prediction
from aimass.inference.jsontext import array_json, dumps
from aimass.inference.values import encode_value
from aimass.protocols.http import HttpResponse
from aimass.protocols.native.given import Given
from aimass.protocols.served import served


def answer(given: Given, prediction: Prediction) -> HttpResponse:
    """Described inputs give described outputs where the version's description has classes: `{"label",
    "probability"}`, best first, for each row; for each token where those are labelled. Else the tensors: one output as
    it is, several by name; labels and probabilities beside them where there are any.
    """
    body: dict[str, Any] = {
        "model_name": prediction.version.model,
        "version": prediction.version.number,
        "variant": prediction.variant.name,
    }
    return served(prediction, dumps(body | (_described(given, prediction) or _tensors(prediction))))


def _described(given: Given, prediction: Prediction) -> dict[str, Any] | None:
    description = prediction.version.description
    if not given.described or not description or not description.classes:
        return None
    from aimass.inference.described.outputs import described_outputs
    from aimass.inference.described.tokens import TokenInputs, described_tokens, token_scores

    pieces = given.inputs.pieces if isinstance(given.inputs, TokenInputs) else None
    scores = token_scores(prediction) if pieces else None
    of_tokens = scores and pieces and described_tokens(scores, description.classes, pieces)
    rows = of_tokens or described_outputs(prediction)
    if rows is None:
        return None
    return {"prediction": rows[0] if given.alone and len(rows) == 1 else rows}


def _tensors(prediction: Prediction) -> dict[str, Any]:
    values = {spec.name: encode_value(spec, value) for spec, value in prediction.outputs}
    body: dict[str, Any] = {"prediction": values if len(values) != 1 else next(iter(values.values()))}
    found = classify(prediction)
    if found:
        body["labels"] = found.labels
    if found and found.probabilities is not None:
        body["probabilities"] = array_json(found.probabilities)
    if found and found.classes is not None:
        body["classes"] = found.classes
    return body

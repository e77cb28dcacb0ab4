"""What a classifier's answer says in words: the labels of each row, best first, with their probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from aimass.domain.description import ClassOutput
from aimass.domain.errors import PayloadTooLarge
from aimass.inference.classes import classify
from aimass.inference.dataplane import Prediction
from aimass.inference.described.scores import Scores, described_scores
from aimass.inference.jsontext import number_json
from aimass.inference.tensors import Array

#: `{"label":0,"probability":1.0}` takes 29 bytes, and an answer 6.2 MB at most.
MAX_SHOWN = 220_000
_ROUNDING = 1e-3  # as the run at import judges it


def described_outputs(prediction: Prediction) -> list[list[dict[str, Any]]] | None:
    """`{"label", "probability"}` of each row's classes, for `jsontext.dumps`: the label that the model itself gives,
    then best first, at most `top_k`, those of
    `threshold` and more. The key is `score` where the numbers are no probabilities: without an activation, and below 0
    or above 1 when the model was verified or in this call.

    None where the version's description has no `classes`, or they were not asked for. A probability is FP32, or what
    the model gave where no activation is described; NaN comes last, and is below every threshold. Raises
    PayloadTooLarge for more than an answer can carry.
    """
    scores = described_scores(prediction)
    description = prediction.version.description
    if not scores or not description or not description.classes:
        return None
    matrix, rows, shown = scores.matrix.astype(np.float64), [], 0
    number = "probability" if _are_probabilities(prediction, matrix) else "score"
    for row, own in zip(matrix, _own_columns(prediction, scores), strict=True):
        best = _best(row, own, description.classes)
        shown += len(best)
        if shown > MAX_SHOWN:
            raise _too_many(len(scores.matrix))
        rows.append([{"label": scores.classes[at], number: _shown(row[at])} for at in best])
    return rows


def _are_probabilities(prediction: Prediction, matrix: Array) -> bool:
    """A number outside 0..1 by rounding alone counts as one."""
    description = prediction.version.description
    if not description or not description.classes or description.classes.activation:
        return True
    outside = (matrix < -_ROUNDING) | (matrix > 1 + _ROUNDING)
    return description.classes.output not in prediction.version.raw_scores and not outside.any()


def _own_columns(prediction: Prediction, scores: Scores) -> list[int | None]:
    """The column of each row's label where the model gives labels itself: it need not decide by the highest column."""
    version = prediction.version
    known = bool(version.class_names) or version.own_classes == ()
    found = classify(prediction) if known and len(prediction.outputs) == 2 else None
    if found is None or len(found.labels) != len(scores.matrix):
        return [None] * len(scores.matrix)
    columns = {str(name): at for at, name in enumerate(scores.classes)}
    return [columns.get(str(label)) for label in found.labels]


def _best(row: Array, own: int | None, how: ClassOutput) -> list[int]:
    """The columns to show, the model's own first, then best first."""
    best = np.argsort(-row, kind="stable")  # NaN is sorted behind all numbers
    if own is not None and own != best[0] and not np.isnan(row[own]):
        best = np.concatenate([[own], best[best != own]])
    best = best[: how.top_k]
    if how.threshold is not None:
        best = best[row[best] >= how.threshold]
    found: list[int] = best.tolist()
    return found


def _too_many(rows: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"the classes of {rows} rows are more than {MAX_SHOWN} labels, which an answer in JSON carries; send fewer "
        "rows a call, or set `top_k` in the model description",
        limit=MAX_SHOWN,
    )


def _shown(probability: np.floating[Any]) -> Any:
    """With as many digits as FP32 needs."""
    return number_json(float(str(np.float32(probability))))

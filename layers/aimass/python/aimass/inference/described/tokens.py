"""What a model says of each token of a text: names, parts of speech. Its scores are [rows, tokens, classes]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aimass.domain.description import ClassOutput
from aimass.domain.errors import PayloadTooLarge
from aimass.domain.model import Version
from aimass.inference.dataplane import Prediction, Value
from aimass.inference.described.scores import activated
from aimass.inference.jsontext import number_json
from aimass.inference.tensors import Array

MAX_SHOWN = 50_000  # an answer carries 6.2 MB, and a token takes up to 100 bytes with a label of usual length


@dataclass(frozen=True)
class Piece:
    """A part of a text, from `start` to before `end`, in characters, that is one token."""

    text: str
    start: int
    end: int


#: For each row the piece at each of its positions; None for special tokens and padding.
Pieces = Sequence[Sequence[Piece | None]]


class TokenInputs(dict[str, Value]):
    """Inputs made of texts, and the pieces of text that their positions stand for."""

    def __init__(self, inputs: Mapping[str, Value], pieces: Pieces) -> None:
        super().__init__(inputs)
        self.pieces = pieces


def labels_tokens(version: Version) -> bool:
    """Whether its classes are of tokens: those of an output of three dimensions."""
    classes = version.description.classes if version.description else None
    named = [spec for spec in version.outputs if classes and spec.name == classes.output]
    return any(len(spec.shape) == 3 for spec in named)


@dataclass(frozen=True)
class TokenScores:
    """`cube` is [rows, tokens, classes], its activation applied; `classes` label its last dimension."""

    cube: Array
    classes: list[Any]


def token_scores(prediction: Prediction) -> TokenScores | None:
    """None where the description names no such scores, or this call did not ask for them."""
    description = prediction.version.description
    how = description.classes if description else None
    named = [(len(spec.shape), value) for spec, value in prediction.outputs if how and spec.name == how.output]
    rank, cube = named[0] if named else (0, None)
    if how is None or rank != 3 or not isinstance(cube, np.ndarray) or cube.ndim != 3 or cube.dtype.kind not in "fV":
        return None
    scores = activated(cube.reshape(-1, cube.shape[2]), how).reshape(cube.shape)
    names = prediction.version.class_names
    return TokenScores(scores, list(names) if len(names) == cube.shape[2] else list(range(cube.shape[2])))


def described_tokens(scores: TokenScores, how: ClassOutput, pieces: Pieces) -> list[list[dict[str, Any]]]:
    """`{"token", "start", "end", "label", "probability"}` of each piece of each text, the best label alone; those under
    `threshold` are left out. The key is `score` without an activation. Raises PayloadTooLarge.
    """
    if scores.cube.shape[0] != len(pieces) or any(len(row) > scores.cube.shape[1] for row in pieces):
        return []
    number = "probability" if how.activation else "score"
    rows = [_row(row, values, scores.classes, how, number) for row, values in zip(pieces, scores.cube, strict=True)]
    if (shown := sum(map(len, rows))) > MAX_SHOWN:
        raise PayloadTooLarge(
            f"the texts have {shown} tokens, and an answer in JSON carries the labels of {MAX_SHOWN}; send fewer texts",
            limit=MAX_SHOWN,
        )
    return rows


def _row(
    pieces: Sequence[Piece | None], values: Array, classes: list[Any], how: ClassOutput, number: str
) -> list[dict[str, Any]]:
    best = values.argmax(axis=1)
    told = []
    for at, piece in enumerate(pieces):
        if piece is None:
            continue
        value = float(str(np.float32(values[at, best[at]])))
        if how.threshold is None or value >= how.threshold:
            place = {"token": piece.text, "start": piece.start, "end": piece.end}
            told.append(place | {"label": classes[best[at]], number: number_json(value)})
    return told

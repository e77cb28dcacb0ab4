"""The sample that came with a model through both sides, and the outputs that are expected of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aimass.domain.errors import ImportRefused, InvalidSample
from aimass.formats.member import shown
from aimass.inference.onnxruntime.words import reason
from aimass.sandbox.tasks.calls import Call, Sides, answered, answers_of, called, judged
from aimass.sandbox.tasks.compared import array_of
from aimass.sandbox.tasks.examples import examples_of
from aimass.sandbox.tasks.made_up import Batch
from aimass.sandbox.tasks.rounding import unrounded
from aimass.sandbox.tasks.session import Feed
from aimass.sandbox.tasks.unsteady import without_unsteady


@dataclass(frozen=True)
class Given:
    """The calls with a sample, and the call that was expected to answer so."""

    calls: Sequence[Call]
    expected: Sequence[Call]


def given(sides: Sides, feed: Feed, expected: Mapping[str, Any] | None) -> Given:
    """The sample, and its first row alone; the original is given its numbers unrounded.

    Raises InvalidSample where the original refuses it or answers otherwise than was expected.
    """
    batch = unrounded("the sample", feed, sides.inputs, _rows_of(feed))
    try:
        original = sides.original(batch.exact)
    except (ImportRefused, MemoryError):
        raise
    except Exception as error:
        raise InvalidSample(f"the model refuses the sample: {reason(str(error))}") from None
    calls = [Call(batch, original, answered(sides, batch))]
    if expected:
        _check_expected(sides, batch, original, expected)
    single = _single_row(sides, batch)
    call = called(sides, single)[0] if single else None
    # What the original doesn't answer, as hidden states, may still be among the outputs that are expected.
    return Given([*calls, *([call] if call else [])], [Call(batch, expected, calls[0].onnx)] if expected else [])


def _single_row(sides: Sides, batch: Batch) -> Batch | None:
    """The sample's first row alone, where it has several and the ONNX model is written for any number."""
    fixed = any(one.shape and isinstance(one.shape[0], int) for one in sides.inputs)
    arrays = {name: value if isinstance(value, np.ndarray) else None for name, value in batch.feed.items()}
    if fixed or batch.rows < 2 or any(one is None or one.shape[:1] != (batch.rows,) for one in arrays.values()):
        return None
    first = {name: value[:1] for name, value in batch.exact.items()}
    return unrounded("the sample's first row", first, sides.inputs, 1)


def _rows_of(feed: Feed) -> int:
    sizes = [value.shape[0] for value in map(array_of, feed.values()) if value.ndim]
    return int(sizes[0]) if sizes else 1


def _check_expected(sides: Sides, batch: Batch, original: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    call = Call(batch, expected, original)
    found = judged(sides, [call])
    if any(not one.difference.within for one in found.values()):
        turned = Call(batch, original, expected)
        (kept,), _ = without_unsteady(sides, [turned], judged(sides, [turned]), 0.0)
        call = Call(batch, expected, original, kept.left_out)
        found = judged(sides, [call])
    wrong = [name for name, one in found.items() if not one.difference.within]
    if wrong:
        raise InvalidSample(
            f"the model itself does not answer the sample as expected: {', '.join(map(shown, wrong[:5]))} differ;"
            " send the outputs that this very model gave",
            outputs=[shown(name) for name in wrong[:5]],
            examples=examples_of(found, answers_of([call]), ("expected", "original")),
        )
